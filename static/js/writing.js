// Comment forms: the number of characters left, and Ctrl+Enter to submit.
(() => {
  "use strict";

  const NEAR = 500; // characters left below which the count is shown
  const THRESHOLDS = [0, 20, 100, 500]; // characters left at which the count is announced, once each
  const PAUSE = 1_000; // milliseconds without typing before an announcement

  // The count is shown immediately, but announced only when a threshold is crossed and the visitor stops typing.
  const pauses = new WeakMap();
  const count = (field) => {
    const left = field.closest(".field")?.querySelector(".left");
    if (!left) return;
    const rest = Number(field.dataset.limit) - [...field.value].length;
    const { forms, overForms, level: before } = left.dataset;
    left.hidden = rest > NEAR;
    left.textContent = left.hidden ? "" : BlogappWords.counted(rest < 0 ? overForms : forms, Math.abs(rest));
    left.classList.toggle("left-over", rest < 0);
    const level = rest < 0 ? -1 : (THRESHOLDS.find((each) => rest <= each) ?? "");
    if (String(level) === (before ?? "")) return;
    left.dataset.level = level;
    clearTimeout(pauses.get(field));
    pauses.set(field, setTimeout(() => {
      field.closest(".field").querySelector(".left-spoken").textContent = left.textContent;
    }, PAUSE));
  };

  const prepare = (form) => {
    if (form.dataset.prepared) return;
    form.dataset.prepared = "true";
    if (form.elements.body) count(form.elements.body);
  };

  const prepareAll = () => document.querySelectorAll(".comment-form").forEach(prepare);

  document.addEventListener("input", (event) => {
    if (event.target.dataset?.limit) count(event.target);
  });

  document.addEventListener("htmx:after:settle", prepareAll);
  document.addEventListener("htmx:after:process", prepareAll, { once: true });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    const form = event.target.closest?.(".comment-form");
    if (!form || event.target.tagName !== "TEXTAREA") return;
    event.preventDefault();
    form.requestSubmit(form.querySelector("button[type=submit]"));
  });
})();
