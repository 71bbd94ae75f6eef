// Keeps the address of the search page in step with what is typed, so that a reload and a shared link find the same.
(() => {
  "use strict";

  document.addEventListener("htmx:after:swap", (event) => {
    const { ctx } = event.detail;
    if (ctx?.sourceElement?.id === "search-form") history.replaceState(history.state, "", ctx.request.action);
  });
})();
