// Relative times and the minutes left to edit, in the page's language. The HTML holds full times, so a cached page
// stays correct.
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

  // The visitor's clock may be wrong, so time is taken from the Date header of our answers and counted on with
  // performance.now(), which a change of the clock does not affect. The view count is such an answer and comes with
  // every page, the live refresh follows: that corrects what a suspended laptop has not counted.
  let offset = null; // milliseconds from performance.now() to the server's time
  const now = () => (offset === null ? Date.now() : performance.now() + offset);

  document.addEventListener("htmx:after:request", (event) => {
    const { headers } = event.detail.ctx.response;
    const moment = Date.parse(headers.get("Date") ?? "");
    // An answer out of a cache tells when it was stored.
    if (event.defaultPrevented || Number.isNaN(moment) || headers.has("Age")) return;
    const isFirst = offset === null;
    offset = moment - performance.now();
    if (isFirst) tick();
  });

  const ago = (moment) => {
    const seconds = (now() - moment) / 1000;
    for (const [unit, length, most] of STEPS) {
      const count = Math.floor(seconds / length);
      if (count < most) return relative.format(-Math.max(0, count), unit);
    }
    return date.format(moment);
  };

  // The sentence for a count, from the forms that the server has written for each plural category.
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
    if (offset === null) return; // the server has just written the minutes
    for (const actions of root.querySelectorAll?.("[data-until]") ?? []) {
      const minutes = Math.ceil((new Date(actions.dataset.until) - now()) / 60_000);
      const left = actions.querySelector(".time-left");
      if (minutes > 0) left.textContent = counted(left.dataset.forms, minutes);
      else if (!actions.contains(document.activeElement)) actions.remove();
    }
  };

  document.addEventListener("DOMContentLoaded", () => tick());
  document.addEventListener("htmx:after:settle", (event) => {
    // A morph brings back the full time, but keeps no title.
    for (const node of event.detail.newContent ?? []) if (node.nodeType === 1) tick(node.parentElement ?? node);
  });
  setInterval(() => {
    if (document.visibilityState === "visible") tick();
  }, 30_000);
  addEventListener("pageshow", (event) => {
    if (event.persisted) tick();
  });

  return { counted };
})();
