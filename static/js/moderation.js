// The owner's list of comments: keys, focus after a press, and undo buttons that disappear when they no longer work.
(() => {
  "use strict";

  const UNDO_PERIOD = 30_000; // milliseconds; the server accepts it a little longer

  const items = () => [...document.querySelectorAll("#queue > .queued")];
  const focused = () => document.activeElement?.closest?.("#queue > .queued");

  const focus = (item) => {
    item.focus({ preventScroll: true });
    item.scrollIntoView({ block: "nearest" });
  };

  // Single keys work only while a comment has the focus (WCAG 2.1.4), so a new list focuses its first comment.
  const begin = () => {
    document.querySelector(".queue-keys")?.removeAttribute("hidden");
    if (document.activeElement === document.body && !location.hash) items()[0]?.focus({ preventScroll: true });
  };

  const isTyping = (element) => element.matches("textarea, select, input:not([type=checkbox])");

  document.addEventListener("keydown", (event) => {
    const item = focused();
    if (!item || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isTyping(event.target)) return;
    const all = items();
    if (event.key === "j" || event.key === "k") {
      const next = all[all.indexOf(item) + (event.key === "j" ? 1 : -1)];
      if (next) focus(next);
    } else if (["a", "s", "r"].includes(event.key)) {
      item.querySelector(`.moderation [data-key="${event.key}"]`)?.click();
    } else return;
    event.preventDefault();
  });

  // After a press, the next comment that awaits one gets the focus; after an undo, the comment itself.
  document.addEventListener("htmx:after:settle", (event) => {
    for (const node of event.detail.newContent ?? []) {
      if (!node.classList?.contains("queued")) continue;
      const all = items();
      const isDone = (item) => item.classList.contains("queued-done");
      const next = isDone(node) ? all.slice(all.indexOf(node)).find((item) => !isDone(item)) : node;
      focus(next ?? node);
    }
    if (event.detail.newContent?.some?.((node) => node.id === "moderation")) begin();
    for (const form of document.querySelectorAll(".undo:not([data-timed])")) {
      form.dataset.timed = "true";
      setTimeout(() => form.querySelector("button")?.remove(), UNDO_PERIOD);
    }
  });

  begin();
})();
