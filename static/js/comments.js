// What htmx does not do by itself in a conversation: focus, order, nothing twice, a way back out of a reply.
(() => {
  "use strict";

  const byId = (id) => document.getElementById(id);

  // After posting, the eye goes to the new comment, and the focus with it.
  document.addEventListener("comment-posted", (event) => {
    const comment = byId(event.detail.comment);
    if (comment) {
      comment.focus({ preventScroll: true });
      comment.scrollIntoView({ block: "nearest" });
    }
  });

  // A comment may come twice, by its own answer and by a refresh: what is on the page already is left out.
  document.addEventListener("htmx:before:swap", (event) => {
    let arrived = 0;
    let fresh = 0;
    for (const task of event.detail.tasks) {
      if (task.swapSpec.style !== "beforeend") continue;
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

  // Two people may post at once: each item moves up to where its number belongs.
  document.addEventListener("htmx:after:settle", (event) => {
    for (const item of event.detail.newContent ?? []) {
      if (!item.classList?.contains("item")) continue;
      let before = item.previousElementSibling;
      while (before && Number(before.dataset.number) > Number(item.dataset.number)) before = before.previousElementSibling;
      if (before !== item.previousElementSibling) {
        if (before) before.after(item);
        else item.parentElement.prepend(item);
      }
    }
  });

  // The field that wants the focus says so; `autofocus` itself is for pages that load.
  document.addEventListener("htmx:after:settle", (event) => {
    for (const node of event.detail.newContent ?? []) {
      const field = node.matches?.("[data-autofocus]") ? node : node.querySelector?.("[data-autofocus]");
      field?.focus();
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
    if (open) {
      event.preventDefault();
      open.focus();
    }
  });

  const close = (form) => {
    const link = form.querySelector("[data-returns-to]");
    const back = link && byId(link.dataset.returnsTo);
    if (!back) return false;
    form.remove();
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
