// Writing: the number of characters left, the name for next time, Ctrl+Enter.
(() => {
  "use strict";

  const NEAR = 500; // characters left at which the count appears
  const THRESHOLDS = [0, 20, 100, 500]; // characters left at which the count is read out, once each
  const PAUSE = 1_000; // milliseconds without a key before it is
  const VISITOR = "blogapp:visitor";

  // The count is visible at once, but read out only when a threshold is crossed and the visitor pauses.
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

  const isNew = (form) => Boolean(form?.matches?.(".comment-form") && form.elements.article);

  const readVisitor = () => {
    try {
      return JSON.parse(localStorage.getItem(VISITOR));
    } catch {
      return null;
    }
  };
  const storeVisitor = (visitor) => {
    try {
      if (visitor) localStorage.setItem(VISITOR, JSON.stringify(visitor));
      else localStorage.removeItem(VISITOR);
    } catch {} // storage may be forbidden or full
  };

  const prepare = (form) => {
    if (form.dataset.prepared) return;
    form.dataset.prepared = "true";
    if (form.elements.body) count(form.elements.body);
    const remember = form.querySelector("[data-remember]");
    if (!remember) return;
    remember.closest(".remember").hidden = false;
    const visitor = readVisitor();
    if (!visitor) return;
    remember.checked = true;
    form.elements.author_name.value ||= visitor.name ?? "";
    form.elements.author_url.value ||= visitor.url ?? "";
  };

  const prepareAll = () => document.querySelectorAll(".comment-form").forEach(prepare);

  document.addEventListener("input", (event) => {
    if (event.target.dataset?.limit) count(event.target);
  });

  document.addEventListener("htmx:after:request", (event) => {
    const { sourceElement: form, response } = event.detail.ctx;
    if (event.defaultPrevented || ![201, 202].includes(response.status) || !isNew(form)) return;
    const remember = form.querySelector("[data-remember]");
    if (!remember) return;
    const visitor = { name: form.elements.author_name.value, url: form.elements.author_url.value };
    storeVisitor(remember.checked ? visitor : null);
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
