// Comments, in addition to htmx: focus, order, no duplicates, and closing a reply or an edit.
(() => {
  "use strict";

  const byId = (id) => document.getElementById(id);
  const MORE = "#next-page, .more-replies";

  // With JavaScript, messages are shown beside the comment and #status is for screen readers only. A message that the
  // server has rendered there stays visible.
  const status = byId("comments") && byId("status");
  if (status && !status.textContent.trim()) status.classList.add("visually-hidden");

  // When htmx starts, it looks at every link and form of the page. With fifty comments, this blocks a slow telephone for
  // longer than 50 ms. So it gets all elements beside the list of comments, and from the list only what is used: the
  // listeners that it adds to a link, button or form are called for the event that has come first to this listener.
  document.addEventListener("htmx:before:process", (event) => {
    const list = byId("comment-list");
    if (event.target !== document.body || !list) return;
    event.preventDefault();
    for (let inner = list; inner !== document.body; inner = inner.parentElement) {
      for (const each of inner.parentElement.children) if (each !== inner) htmx.process(each);
    }
  });
  for (const type of ["click", "submit"]) {
    document.addEventListener(type, (event) => {
      const used = event.target.closest?.("#comment-list :is(.comment-actions, .more-replies)");
      if (used) htmx.process(used);
    }, true);
  }

  // The comment before the one that is being changed gets the focus if that one is deleted.
  let neighbor = null;
  document.addEventListener("htmx:before:swap", (event) => {
    const item = event.detail.ctx.sourceElement?.closest?.(".item");
    if (item) neighbor = item.previousElementSibling ?? item.parentElement.closest(".item");
  });

  // Whether the visitor has typed since the last form was sent.
  let hasTyped = false;
  document.addEventListener("input", (event) => {
    hasTyped ||= event.isTrusted;
  });
  document.addEventListener("htmx:before:request", (event) => {
    if (event.detail.ctx.request.method !== "GET") hasTyped = false;
  });

  // After posting or changing a comment, the message is shown there, and the focus moves to it, unless the visitor is
  // typing the next one.
  for (const name of ["comment-posted", "comment-changed"]) {
    document.addEventListener(name, (event) => {
      const { comment: id } = event.detail;
      const article = document.querySelector("[data-article]");
      // On a page with only the form (the link was opened in a new tab), go to the article.
      if (!byId("comment-list") && article) location.assign(`${article.dataset.article}#${id}`);
      const comment = byId(id) ?? (neighbor?.isConnected ? neighbor.querySelector(".comment") : null);
      // In this order the browser lays the page out once: after it was changed, and before the focus changes styles.
      BlogappResponses.showNotice(comment ?? document.querySelector(".comments-header"));
      if (hasTyped && document.activeElement !== document.body) return;
      comment?.scrollIntoView({ block: "nearest" });
      (comment ?? byId("comments"))?.focus({ preventScroll: true });
    });
  }

  // A comment may arrive twice, with the response to its post and with a refresh: drop duplicates. Their new replies move
  // to the list on the page, and a comment that was hidden on the page is shown. Added tasks are looked through, too.
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx, tasks } = event.detail;
    let arrived = 0;
    const fresh = [];
    for (const task of tasks) {
      if (!["beforeend", "afterbegin"].includes(task.swapSpec.style)) continue;
      const swapInstead = (style, target, ...nodes) => {
        const fragment = new DocumentFragment();
        fragment.append(...nodes);
        tasks.push({ ...task, fragment, target, swapSpec: { style } });
      };
      for (const item of task.fragment.querySelectorAll(".item")) {
        arrived += 1;
        const comment = item.querySelector(".comment");
        const shown = byId(comment.id);
        const isHidden = shown?.matches(".comment-quiet") && !comment.matches(".comment-quiet");
        if (shown ? isHidden : task.target) fresh.push(comment.id);
        if (!shown) continue;
        if (isHidden) swapInstead("outerMorph", shown, comment.cloneNode(true));
        swapInstead("beforeend", shown.closest(".item")?.querySelector(".replies"), ...item.querySelector(".replies").children);
        item.remove();
      }
    }
    // Announce nothing if all of them were duplicates.
    if (arrived && !fresh.length && ctx.request.method === "GET") {
      for (const task of tasks) if (task.target?.id === "status") task.swapSpec.style = "none";
    }
    const more = ctx.sourceElement.closest?.(MORE);
    if (more) ctx.nextRead = [...fresh, more.closest(".item")?.querySelector(".comment").id, "comments"];
  });

  // "More comments" and "Show 5 more replies" replace the link that was used. The focus moves to the first comment that
  // they load; if there is none, to the thread or to the comments. Screen readers announce a repeated message only if
  // the element was empty in between.
  document.addEventListener("htmx:config:request", (event) => {
    if (event.detail.ctx.sourceElement.closest?.(MORE)) byId("status").textContent = "";
  });
  document.addEventListener("htmx:after:swap", (event) => {
    // The visitor may have gone elsewhere meanwhile.
    if (document.activeElement !== document.body) return;
    const next = event.detail.ctx.nextRead?.map(byId).find(Boolean);
    next?.scrollIntoView({ block: "nearest" });
    next?.focus({ preventScroll: true });
  });

  // Two visitors may post at the same time: sort each new item by its number.
  document.addEventListener("htmx:after:settle", (event) => {
    for (const item of event.detail.newContent ?? []) {
      const sort = item.parentElement?.dataset.sort ?? "oldest";
      if (!item.classList?.contains("item") || sort === "liked") continue;
      const belongsBefore = (other) =>
        sort === "newest"
          ? Number(other.dataset.number) < Number(item.dataset.number)
          : Number(other.dataset.number) > Number(item.dataset.number);
      const place = [...item.parentElement.children].find((other) => other !== item && belongsBefore(other));
      if (place && item.nextElementSibling !== place) place.before(item);
    }
  });

  // Fragments use data-autofocus; `autofocus` itself is for whole pages.
  document.addEventListener("htmx:after:settle", (event) => {
    for (const node of event.detail.newContent ?? []) {
      const field = node.matches?.("[data-autofocus]") ? node : node.querySelector?.("[data-autofocus]");
      // A draft that reopens its form after a reload leaves the focus where it is.
      if (field && !event.detail.task.sourceElement?.dataset.opensDraft) field.focus();
    }
  });

  // While a form is sent, its button says so, and its live region announces it.
  const showSending = (form, isSending) => {
    const button = form?.matches?.(".comment-form") && form.querySelector("[data-sending]");
    if (!button) return;
    if (isSending) button.dataset.label = button.textContent;
    button.textContent = isSending ? button.dataset.sending : (button.dataset.label ?? button.textContent);
    form.querySelector(".left-spoken").textContent = isSending ? button.dataset.sending : "";
  };
  document.addEventListener("htmx:before:request", (event) => showSending(event.detail.ctx.sourceElement, true));
  document.addEventListener("htmx:finally:request", (event) => showSending(event.detail.ctx.sourceElement, false));

  // Text typed during a post is kept, without what was posted: it is copied into the form that replaces this one. The
  // form of a reply or an edit, which would be removed, stays.
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx, tasks } = event.detail;
    const form = ctx.sourceElement;
    const field = form?.matches?.(".comment-form") && form.elements.body;
    const sent = ctx.request.body?.get?.("body")?.replaceAll("\r\n", "\n");
    if (!field || sent == null || field.value === sent) return;
    const isSaved = ctx.response.status < 300;
    if (isSaved && !form.elements.revision && field.value.startsWith(sent)) {
      const rest = field.value.slice(sent.length).trimStart();
      field.setRangeText("", 0, field.value.length - rest.length); // leaves the cursor where it is in the rest
      if (!rest) return;
    }
    field.dispatchEvent(new Event("input", { bubbles: true })); // counts and saves
    for (const task of [...tasks]) {
      const copy = task.target === form && task.fragment.querySelector("textarea");
      if (copy) copy.textContent = field.value;
      else if (isSaved && task.target?.contains?.(form)) tasks.splice(tasks.indexOf(task), 1);
    }
  });

  // A reply or an edit in progress is not replaced by a fresh form.
  document.addEventListener("htmx:before:request", (event) => {
    const target = event.detail.ctx.target;
    const open = target?.matches?.(".reply-slot") && target.querySelector("textarea");
    if (open && event.detail.ctx.request.action === open.form.dataset.opener) {
      event.preventDefault();
      open.focus();
    }
  });

  const close = (form) => {
    const link = form.querySelector("[data-returns-to]");
    const slot = form.closest(".reply-slot");
    // Also on a page with only the form, which "Cancel" leaves: the article must not open the form again.
    form.dispatchEvent(new CustomEvent("draft-closed", { bubbles: true }));
    if (!link || !slot) return false;
    // The edit link is removed when the edit window ends.
    const back = slot.previousElementSibling?.querySelector(link.dataset.returnsTo) ?? slot.closest(".item")?.querySelector(".comment");
    slot.replaceChildren();
    back?.focus();
    return true;
  };

  document.addEventListener("click", (event) => {
    const cancel = event.target.closest?.(".cancel");
    if (cancel?.closest("form") && close(cancel.closest("form"))) event.preventDefault();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing) return;
    const form = event.target.closest?.(".reply-slot form");
    if (form) close(form);
  });

  // A link to a comment that is in a closed thread opens it; for one that is on another page, ask the server for its
  // address.
  const showLinked = () => {
    const [hash, id] = /^#comment-(\d+)$/.exec(location.hash) ?? [];
    if (!hash || !byId("comment-list")) return;
    const comment = byId(hash.slice(1));
    const closed = comment?.closest("details:not([open])");
    if (closed) {
      closed.open = true;
      comment.scrollIntoView();
    }
    if (comment) return;
    const address = BlogappResponses.pathOf(id);
    fetch(address, { method: "HEAD" }).then(
      (answer) => {
        if (answer.ok && BlogappResponses.isOurs(answer)) location.replace(address);
      },
      () => {}, // offline: stay on this page
    );
  };
  showLinked();
  addEventListener("hashchange", showLinked);
})();
