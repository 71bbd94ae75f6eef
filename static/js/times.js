// Times as people say them, in the page's language; the server writes them in full, so that a cached page stays true.
const BlogappWords = (() => {
  "use strict";

  const lang = document.documentElement.lang;
  const relative = new Intl.RelativeTimeFormat(lang, { numeric: "auto" });
  const date = new Intl.DateTimeFormat(lang, { dateStyle: "long" });
  const plural = new Intl.PluralRules(lang);
  const number = new Intl.NumberFormat(lang);
  const STEPS = [
    ["minute", 60, 60],
    ["hour", 3_600, 24],
    ["day", 86_400, 30],
  ];

  const ago = (moment) => {
    const seconds = (Date.now() - moment) / 1000;
    for (const [unit, length, most] of STEPS) {
      const count = Math.floor(seconds / length);
      if (count < most) return relative.format(-Math.max(0, count), unit);
    }
    return date.format(moment);
  };

  // The sentence for a count, from the forms that the server has written down for each plural category.
  const counted = (forms, count) => {
    const sentences = JSON.parse(forms);
    return (sentences[plural.select(count)] ?? sentences.other).replace("%(number)s", number.format(count));
  };

  const tick = (root = document) => {
    for (const time of root.querySelectorAll?.(".comment time") ?? []) {
      if (!time.title) time.title = time.textContent;
      const words = ago(new Date(time.dateTime));
      if (time.textContent !== words) time.textContent = words;
    }
    for (const actions of root.querySelectorAll?.("[data-until]") ?? []) {
      const minutes = Math.ceil((new Date(actions.dataset.until) - Date.now()) / 60_000);
      const left = actions.querySelector(".time-left");
      if (minutes > 0) left.textContent = counted(left.dataset.forms, minutes);
      else if (!actions.contains(document.activeElement)) actions.remove();
    }
  };

  document.addEventListener("DOMContentLoaded", () => tick());
  document.addEventListener("htmx:after:settle", (event) => {
    // A morph brings the full time back; its old title would be right, but a new one is surer.
    for (const node of event.detail.newContent ?? []) if (node.nodeType === 1) tick(node.parentElement ?? node);
  });
  setInterval(() => {
    if (document.visibilityState === "visible") tick();
  }, 30_000);

  return { counted };
})();
