// For signed-in owners. When a session has ended, the sign-in form appears in #sign-in-again and the page stays as it
// is. After signing in, the request that was refused is sent again, with the text as it is then.
(() => {
  "use strict";

  let refused = null; // the element whose request was answered with 401, and the button that was pressed

  document.addEventListener("htmx:after:request", (event) => {
    const { response, sourceElement: source, sourceEvent } = event.detail.ctx;
    if (response.status === 401 && BlogappResponses.isOurs(response.raw))
      refused = { source, submitter: sourceEvent?.submitter };
  });

  document.addEventListener("htmx:after:settle", () => {
    const form = document.querySelector("#sign-in-again form");
    if (!form || form.dataset.shown) return;
    form.dataset.shown = "true";
    form.scrollIntoView({ block: "nearest" });
    form.querySelector("input:not([value]), input[value=''], input[type=password]").focus();
  });

  document.addEventListener("blogapp:signed-in", () => {
    const { source, submitter } = refused ?? {};
    refused = null;
    if (!source?.isConnected) return;
    if (source.matches("form")) source.requestSubmit(submitter?.isConnected ? submitter : null);
    else source.click();
  });
})();
