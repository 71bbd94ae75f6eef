// Shows relative times ("5 minutes ago") and the minutes left to edit, in the page's language. The HTML contains full
// times, so a cached page stays correct.
const BlogappWords = (() => {
  "use strict";

  const lang = document.documentElement.lang;
  // Each formatter takes milliseconds to create, so it is created when it is first needed.
  const lazy = (create) => {
    let created;
    return () => (created ??= create());
  };
  const relative = lazy(() => new Intl.RelativeTimeFormat(lang, { numeric: "auto" }));
  const date = lazy(() => new Intl.DateTimeFormat(lang, { dateStyle: "long" }));
  const plural = lazy(() => new Intl.PluralRules(lang));
  const number = lazy(() => new Intl.NumberFormat(lang));
  const STEPS = [
    ["minute", 60, 60],
    ["hour", 3_600, 24],
    ["day", 86_400, 30],
  ];

  // The visitor's clock may be wrong. The time is the Date header of the latest response plus the elapsed time of
  // performance.now(), which does not change when the clock is set. Every page requests the view count, and the live
  // refresh repeats the correction, because performance.now() may stop while a laptop is suspended.
  let offset = null; // milliseconds from performance.now() to the server's time
  const now = () => (offset === null ? Date.now() : performance.now() + offset);

  document.addEventListener("htmx:after:request", (event) => {
    const { headers } = event.detail.ctx.response;
    const moment = Date.parse(headers.get("Date") ?? "");
    // A cached response has the date at which it was stored.
    if (event.defaultPrevented || Number.isNaN(moment) || headers.has("Age")) return;
    const isFirst = offset === null;
    offset = moment - performance.now();
    if (isFirst) tick();
  });

  const ago = (moment) => {
    const seconds = (now() - moment) / 1000;
    if (seconds < 60) return document.body.dataset.justNow;
    for (const [unit, length, most] of STEPS) {
      const count = Math.floor(seconds / length);
      if (count < most) return relative().format(-count, unit);
    }
    return date().format(moment);
  };

  // The text for a count, from the server's plural forms: {"one": ..., "other": ...}.
  const counted = (forms, count) => {
    const sentences = JSON.parse(forms);
    return (sentences[plural().select(count)] ?? sentences.other).replace("%(number)s", number().format(count));
  };

  const tick = (root = document) => {
    for (const time of root.querySelectorAll?.(".comment time") ?? []) {
      if (!time.title) time.title = time.textContent;
      const words = ago(new Date(time.dateTime));
      if (time.textContent !== words) time.textContent = words;
    }
    if (offset === null) return; // until the first response, keep the minutes that the server rendered
    for (const actions of root.querySelectorAll?.("[data-until]") ?? []) {
      const minutes = Math.ceil((new Date(actions.dataset.until) - now()) / 60_000);
      const left = actions.querySelector(".time-left");
      if (minutes > 0) left.textContent = counted(left.dataset.forms, minutes);
      else if (!actions.contains(document.activeElement)) actions.remove();
    }
  };

  // In a task of its own: on a slow telephone, all scripts in one task would block the page for longer than 50 ms.
  document.addEventListener("DOMContentLoaded", () => setTimeout(tick, 0, document));
  document.addEventListener("htmx:after:settle", (event) => {
    // A morph restores the full time and removes the title.
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
