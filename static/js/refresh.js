// When a page counts as seen, and when an open page asks for what is new: every ten seconds while somebody can see
// it, at once when they come back to it, ever more seldom while the site is away, and not at all after a day.
// What comes in view is marked for a moment; what would come below waits behind a button.
(() => {
  "use strict";

  const INTERVAL = 10_000; // milliseconds
  const LONGEST_INTERVAL = 300_000;
  const A_DAY = 86_400_000;
  const MARKED = 4_000;
  const opened = Date.now();
  let interval = INTERVAL;
  let timer = 0;
  let held = [];
  let byHand = false;

  const byId = (id) => document.getElementById(id);
  const isSeen = () => document.visibilityState === "visible" && !document.prerendering;

  const ask = () => {
    const refresh = byId("refresh");
    if (refresh) htmx.trigger(refresh, "refresh", {}, false);
  };

  const plan = () => {
    clearTimeout(timer);
    if (!isSeen() || Date.now() - opened > A_DAY) return;
    timer = setTimeout(() => {
      ask();
      plan();
    }, interval);
  };

  // A view a day: a tab that is left open is looked at anew tomorrow. Whether it is the first of the day, the server
  // knows better than a page that was just gone back to.
  let isReady = false;
  let seenOn = "";
  const come = () => {
    const today = new Date().toISOString().slice(0, 10);
    if (!isReady || !isSeen() || seenOn === today) return;
    seenOn = today;
    document.dispatchEvent(new CustomEvent("page-seen"));
  };

  // Of the page that led here only its host is told, and only if it is another's.
  document.addEventListener("htmx:config:request", (event) => {
    const { ctx } = event.detail;
    if (ctx.sourceElement.id !== "view-count" || !document.referrer) return;
    const { hostname } = new URL(document.referrer);
    if (hostname !== location.hostname) ctx.request.body.set("referrer", hostname);
  });

  const isRefresh = (event) => (event.detail.ctx ?? event.detail.task)?.sourceElement?.id === "refresh";

  document.addEventListener("htmx:after:request", (event) => {
    if (!isRefresh(event)) return;
    const { ctx } = event.detail;
    interval = ctx.response.status < 400 ? INTERVAL : Math.min(interval * 2, LONGEST_INTERVAL);
    const status = byId("status");
    if (ctx.response.status === 204 && ctx.sourceEvent.type === "click" && status) {
      status.textContent = ctx.sourceElement.dataset.nothingNew;
    }
  });

  document.addEventListener("htmx:error", (event) => {
    if (isRefresh(event)) interval = Math.min(interval * 2, LONGEST_INTERVAL);
  });

  document.addEventListener("htmx:before:swap", (event) => {
    if (isRefresh(event)) byHand = event.detail.ctx.sourceEvent.type === "click";
  });

  // Where the browser does not hold the view by itself when something comes in above it, we do.
  let anchor = null;
  const holds = CSS.supports("overflow-anchor", "auto");
  document.addEventListener("htmx:before:swap", (event) => {
    if (holds || !isRefresh(event)) return;
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

  const tell = () => {
    const news = byId("news");
    if (!news) return;
    held = held.filter((item) => item.isConnected);
    news.hidden = held.length === 0;
    if (held.length) news.textContent = BlogappWords.counted(news.dataset.forms, held.length);
  };

  document.addEventListener("htmx:after:settle", (event) => {
    if (!isRefresh(event)) return;
    for (const item of event.detail.newContent ?? []) {
      if (!item.classList?.contains("item")) continue;
      const comment = item.querySelector(".comment");
      // Who presses the button wants to have it; what comes unasked does not lengthen the page under a reader.
      if (!byHand && item.getBoundingClientRect().top > innerHeight) {
        item.hidden = true;
        held.push(item);
      } else {
        comment.classList.add("comment-new");
        setTimeout(() => comment.classList.remove("comment-new"), MARKED);
      }
    }
    tell();
  });

  const reveal = () => {
    const first = held[0];
    for (const item of held) item.hidden = false;
    held = [];
    tell();
    return first;
  };

  // Both buttons mean: show me. The one on the news leads there too.
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("#refresh")) reveal();
    if (!event.target.closest?.("#news")) return;
    const first = reveal();
    const comment = first?.querySelector(".comment");
    comment?.scrollIntoView({ block: "center" });
    comment?.focus({ preventScroll: true });
  });

  document.addEventListener("visibilitychange", () => {
    come();
    if (isSeen()) ask();
    plan();
  });
  document.addEventListener("prerenderingchange", come);
  addEventListener("pageshow", come);
  document.addEventListener("htmx:after:process", () => {
    isReady = true;
    come();
    plan();
  }, { once: true });
})();
