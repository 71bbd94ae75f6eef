// Counts the view, and polls for new comments: every ten seconds while the page is visible, immediately when the
// visitor returns, with exponential backoff while the site does not respond, and for one day at most. New comments in
// the viewport are highlighted briefly; those below it are hidden behind a button.
(() => {
  "use strict";

  const INTERVAL = 10_000; // milliseconds
  const LONGEST_INTERVAL = 300_000;
  const A_DAY = 86_400_000;
  const HIGHLIGHTED = 4_000;
  const opened = performance.now();
  let interval = INTERVAL;
  let timer = 0;
  let held = [];
  let byHand = false;
  let announcement = ""; // for a manual refresh, if its response has no message of its own

  const byId = (id) => document.getElementById(id);
  const isVisible = () => document.visibilityState === "visible" && !document.prerendering;

  const ask = () => {
    const refresh = byId("refresh");
    if (refresh) htmx.trigger(refresh, "refresh", {}, false);
  };

  const schedule = () => {
    clearTimeout(timer);
    if (!isVisible() || performance.now() - opened > A_DAY) return;
    timer = setTimeout(() => {
      ask();
      schedule();
    }, interval);
  };

  // One request a day: a tab that stays open sends another one the next day. The server decides whether it counts.
  let isReady = false;
  let viewedOn = "";
  const countView = () => {
    const today = new Date().toISOString().slice(0, 10);
    if (!isReady || !isVisible() || viewedOn === today) return;
    viewedOn = today;
    document.dispatchEvent(new CustomEvent("page-seen"));
  };

  // Of the referrer, only the host is sent, and only if it is another site.
  document.addEventListener("htmx:config:request", (event) => {
    const { ctx } = event.detail;
    if (ctx.sourceElement.id !== "view-count" || !document.referrer) return;
    const { hostname } = new URL(document.referrer);
    if (hostname !== location.hostname) ctx.request.body.set("referrer", hostname);
  });

  const sourceOf = (event) => (event.detail.ctx ?? event.detail.task)?.sourceElement?.id;
  const isRefresh = (event) => sourceOf(event) === "refresh";
  const isByHand = (event) => event.detail.ctx.sourceEvent.type === "click";

  const onFailure = (event) => {
    if (isRefresh(event)) interval = Math.min(interval * 2, LONGEST_INTERVAL);
    // A failed view request is sent again when the visitor returns to the page.
    if (sourceOf(event) === "view-count") viewedOn = "";
  };

  document.addEventListener("htmx:error", onFailure);
  document.addEventListener("htmx:after:request", (event) => {
    if (event.defaultPrevented) {
      onFailure(event); // responses.js has refused the answer
    } else if (isRefresh(event)) {
      if (interval !== INTERVAL) {
        interval = INTERVAL;
        schedule();
      }
      const { response, sourceElement } = event.detail.ctx;
      announcement = response.status === 204 ? sourceElement.dataset.nothingNew : sourceElement.dataset.updated;
    }
  });

  document.addEventListener("htmx:config:request", (event) => {
    if (!isRefresh(event)) return;
    announcement = "";
    // Screen readers announce a repeated message only if the element was empty in between.
    if (isByHand(event)) byId("status").textContent = "";
  });
  document.addEventListener("htmx:finally:request", (event) => {
    if (!isRefresh(event) || !isByHand(event)) return;
    byId("status").textContent ||= announcement;
    BlogappResponses.showNotice(document.querySelector(".comments-header"));
  });

  document.addEventListener("htmx:before:swap", (event) => {
    if (isRefresh(event)) byHand = isByHand(event);
  });

  // If a comment is deleted while the visitor is writing below it, the form stays, and a placeholder for the comment.
  let isWritingBelow = false;
  document.addEventListener("htmx:before:swap", (event) => {
    isWritingBelow = false;
    if (!isRefresh(event)) return;
    for (const task of event.detail.tasks) {
      if (task.swapSpec.style !== "delete" || !task.target) continue;
      const fields = [...task.target.querySelectorAll(".reply-slot textarea")];
      const field = fields.find((each) => each.value.trim() || each === document.activeElement);
      if (!field) continue;
      isWritingBelow = true;
      task.swapSpec.style = "none";
      if (field.closest(".item") !== task.target) continue; // a placeholder already
      const comment = task.target.querySelector(".comment");
      const placeholder = document.createElement("p");
      placeholder.className = "tombstone";
      placeholder.textContent = byId("refresh").dataset.deleted;
      comment.classList.add("comment-quiet");
      comment.removeAttribute("aria-label");
      comment.replaceChildren(placeholder);
    }
  });
  document.addEventListener("htmx:after:swap", (event) => {
    if (isWritingBelow && isRefresh(event)) byId("status").textContent = byId("refresh").dataset.deleted;
  });

  // Keep the scroll position when content is inserted above, in browsers without scroll anchoring.
  let anchor = null;
  const anchorsScroll = CSS.supports("overflow-anchor", "auto");
  document.addEventListener("htmx:before:swap", (event) => {
    if (anchorsScroll || !isRefresh(event)) return;
    const active = document.activeElement?.closest("form, .comment");
    const element =
      active ?? [...document.querySelectorAll(".comment, .comment-form")].find((each) => each.getBoundingClientRect().top >= 0);
    anchor = element && { element, top: element.getBoundingClientRect().top };
  });
  document.addEventListener("htmx:after:swap", (event) => {
    if (!anchor || !isRefresh(event)) return;
    scrollBy(0, anchor.element.getBoundingClientRect().top - anchor.top);
    anchor = null;
  });

  const updateButton = () => {
    const news = byId("news");
    if (!news) return;
    held = held.filter((item) => item.isConnected);
    news.hidden = held.length === 0;
    // Replies arrive inside a hidden item, too, with it or later.
    const count = held.flatMap((item) => [...item.querySelectorAll(".comment:not(.comment-quiet)")]).length;
    if (held.length) news.textContent = BlogappWords.counted(news.dataset.forms, count);
  };

  document.addEventListener("htmx:after:settle", (event) => {
    if (!isRefresh(event)) return;
    for (const item of event.detail.newContent ?? []) {
      if (!item.classList?.contains("item")) continue;
      // A manual refresh shows everything; an automatic one does not lengthen the page below the viewport. One's own
      // comment, which one cannot like, is shown at once.
      const isOwn = !item.querySelector(".comment").querySelector(".like-button");
      if (!byHand && !isOwn && item.getBoundingClientRect().top > innerHeight) {
        item.hidden = true;
        held.push(item);
      } else {
        for (const comment of item.querySelectorAll(".comment")) {
          comment.classList.add("comment-new");
          setTimeout(() => comment.classList.remove("comment-new"), HIGHLIGHTED);
        }
      }
    }
    updateButton();
  });

  const reveal = () => {
    const first = held[0];
    for (const item of held) item.hidden = false;
    held = [];
    updateButton();
    return first;
  };

  // Both buttons show the hidden comments; the one with the number also scrolls to the first.
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("#refresh")) reveal();
    if (!event.target.closest?.("#news")) return;
    const first = reveal();
    const comment = first?.querySelector(".comment");
    comment?.scrollIntoView({ block: "center" });
    comment?.focus({ preventScroll: true });
  });

  // A link to a comment that is hidden behind the button.
  addEventListener("hashchange", () => {
    const comment = byId(location.hash.slice(1));
    if (!comment?.closest(".item[hidden]")) return;
    reveal();
    comment.scrollIntoView();
  });

  const wake = () => {
    countView();
    if (isVisible()) ask();
    schedule();
  };
  document.addEventListener("visibilitychange", wake);
  addEventListener("online", wake);
  document.addEventListener("prerenderingchange", countView);
  addEventListener("pageshow", (event) => (event.persisted ? wake() : countView()));
  document.addEventListener("htmx:after:process", () => {
    isReady = true;
    setTimeout(countView);
    // After "Back", the page is the browser's copy, which may be older than what the visitor has posted on it.
    if (performance.getEntriesByType("navigation")[0]?.type === "back_forward") ask();
    schedule();
  }, { once: true });
})();
