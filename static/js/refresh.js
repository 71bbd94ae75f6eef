// When a page counts as seen, and when an open page asks for what is new: every ten seconds while somebody can see
// it, at once when they come back to it, ever more seldom while the site is away, and not at all after a day.
(() => {
  "use strict";

  const INTERVAL = 10_000; // milliseconds
  const LONGEST_INTERVAL = 300_000;
  const A_DAY = 86_400_000;
  const opened = Date.now();
  let interval = INTERVAL;
  let timer = 0;

  const isSeen = () => document.visibilityState === "visible" && !document.prerendering;

  const ask = () => {
    const refresh = document.getElementById("refresh");
    if (refresh) htmx.trigger(refresh, "refresh", {}, false);
  };

  const plan = () => {
    clearTimeout(timer);
    if (!isSeen() || Date.now() - opened > A_DAY) return;
    timer = setTimeout(() => {
      ask();
      plan();
    }, interval);
  };

  const come = () => {
    if (isSeen()) document.dispatchEvent(new CustomEvent("page-seen"));
  };

  const isRefresh = (event) => event.detail.ctx?.sourceElement?.id === "refresh";

  document.addEventListener("htmx:after:request", (event) => {
    if (!isRefresh(event)) return;
    const { ctx } = event.detail;
    interval = ctx.response.status < 400 ? INTERVAL : Math.min(interval * 2, LONGEST_INTERVAL);
    const status = document.getElementById("status");
    if (ctx.response.status === 204 && ctx.sourceEvent.type === "click" && status) {
      status.textContent = ctx.sourceElement.dataset.nothingNew;
    }
  });

  document.addEventListener("htmx:error", (event) => {
    if (isRefresh(event)) interval = Math.min(interval * 2, LONGEST_INTERVAL);
  });

  document.addEventListener("visibilitychange", () => {
    come();
    if (isSeen()) ask();
    plan();
  });
  document.addEventListener("prerenderingchange", come);
  document.addEventListener("htmx:after:process", () => {
    come();
    plan();
  }, { once: true });
})();
