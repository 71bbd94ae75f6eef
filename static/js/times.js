// Shows relative times ("5 minutes ago") and the minutes left to edit, in the page's language. The HTML contains full
// times, so a cached page stays correct.
const BlogappWords = (() => {
  "use strict";

  const lang = document.documentElement.lang;
  // The first use of any formatter but PluralRules blocks a slow telephone for 100 ms, so times need none.
  const lazy = (create) => {
    let created;
    return () => (created ??= create());
  };
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

  // The text for a count, from the server's plural forms: {"one": ..., "other": ...}.
  const inWords = (forms, count) =>
    (forms[plural().select(count)] ?? forms.other).replace("%(number)s", count < 1000 ? count : number().format(count));
  const counted = (forms, count) => inWords(JSON.parse(forms), count);

  const words = lazy(() => {
    const { justNow, ago } = document.getElementById("comment-list").dataset;
    return { justNow, ago: JSON.parse(ago) };
  });
  const ago = ({ dateTime, title }) => {
    const seconds = (now() - new Date(dateTime)) / 1000;
    if (seconds < 60) return words().justNow;
    for (const [unit, length, most] of STEPS) {
      const count = Math.floor(seconds / length);
      if (count < most) return inWords(words().ago[unit], count);
    }
    // The date, without the time of day at its end.
    return title.replace(/\D+\d\d:\d\d$/, "");
  };

  const show = (time) => {
    if (!time.title) time.title = time.textContent;
    const text = ago(time);
    if (time.textContent !== text) time.textContent = text;
  };

  // Comments far from the window are not laid out (css/threads.css). Theirs are shown when they come near it.
  const isLaidOut = (time) => time.checkVisibility?.({ contentVisibilityAuto: true }) ?? true;
  document.addEventListener("contentvisibilityautostatechange", ({ target, skipped }) => {
    const time = skipped ? null : target.querySelector(":scope > .comment time");
    if (time) show(time);
  });

  const tick = (root = document) => {
    [...(root.querySelectorAll?.("#comment-list time") ?? [])].filter(isLaidOut).forEach(show);
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
