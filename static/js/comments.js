// What htmx does not do by itself in a conversation: focus, order, nothing twice, a way back out of a reply.
(() => {
  "use strict";

  const byId = (id) => document.getElementById(id);

  // After posting or changing, the eye goes to the comment, and the focus with it; where it has gone, to what is left.
  for (const name of ["comment-posted", "comment-changed"]) {
    document.addEventListener(name, (event) => {
      const comment = byId(event.detail.comment);
      (comment ?? byId("comments"))?.focus({ preventScroll: true });
      comment?.scrollIntoView({ block: "nearest" });
    });
  }

  // A comment may come twice, by its own answer and by a refresh: what is on the page already is left out.
  document.addEventListener("htmx:before:swap", (event) => {
    let arrived = 0;
    let fresh = 0;
    for (const task of event.detail.tasks) {
      if (!["beforeend", "afterbegin"].includes(task.swapSpec.style)) continue;
      for (const item of task.fragment.querySelectorAll(".item")) {
        arrived += 1;
        if (byId(item.id)) item.remove();
        else fresh += task.target ? 1 : 0;
      }
    }
    // Nothing new for the eye is nothing new for the ear.
    if (arrived && !fresh && event.detail.ctx.request.method === "GET") {
      for (const task of event.detail.tasks) if (task.target?.id === "status") task.swapSpec.style = "none";
    }
  });

  // Two people may post at once: each item moves to where its number belongs, upwards where the newest come first.
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

  // The field that wants the focus says so; `autofocus` itself is for pages that load.
  document.addEventListener("htmx:after:settle", (event) => {
    for (const node of event.detail.newContent ?? []) {
      const field = node.matches?.("[data-autofocus]") ? node : node.querySelector?.("[data-autofocus]");
      // A draft that opens its own reply after a reload leaves the focus where it is.
      if (field && !event.detail.task.sourceElement?.dataset.opensDraft) field.focus();
    }
  });

  // Whoever types on while their comment is on its way keeps what they have typed: the form that comes back, fresh or
  // with what was wrong, takes the newer text over.
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx, tasks } = event.detail;
    const form = ctx.sourceElement;
    const field = form?.matches?.(".comment-form") && form.elements.body;
    const sent = ctx.request.body?.get?.("body");
    if (!field || sent == null || field.value === sent.replaceAll("\r\n", "\n")) return;
    for (const task of tasks) {
      const copy = task.target === form && task.fragment.querySelector("textarea");
      if (copy) copy.textContent = field.value;
    }
  });

  // A reply that is being written is not replaced by an empty one.
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
    const back = link && byId(link.dataset.returnsTo);
    if (!back) return false;
    form.dispatchEvent(new CustomEvent("draft-closed", { bubbles: true }));
    const slot = form.closest(".reply-slot");
    if (!slot) return false;
    slot.replaceChildren();
    back.focus();
    return true;
  };

  document.addEventListener("click", (event) => {
    const cancel = event.target.closest?.(".cancel");
    if (cancel && close(cancel.closest("form"))) event.preventDefault();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing) return;
    const form = event.target.closest?.(".reply-slot form");
    if (form) close(form);
  });

  // An old link to a comment that is on another page: ask where it is now.
  const lost = /^#comment-(\d+)$/.exec(location.hash);
  if (lost && !byId(location.hash.slice(1))) {
    const address = `${document.querySelector(".site-title").pathname}comments/${lost[1]}`;
    fetch(address, { method: "HEAD" }).then((answer) => {
      if (answer.ok) location.replace(address);
    });
  }

  // No answer at all: the text stays, and the sentence stands beside the button.
  document.addEventListener("htmx:error", (event) => {
    const form = event.detail.ctx?.sourceElement;
    const place = form?.matches?.("form[data-failed]") && form.querySelector(".form-failure");
    if (place) place.textContent = form.dataset.failed;
  });
  document.addEventListener("htmx:config:request", (event) => {
    const form = event.detail.ctx.sourceElement;
    const place = form?.matches?.("form[data-failed]") && form.querySelector(".form-failure");
    if (place) place.textContent = "";
  });
})();
