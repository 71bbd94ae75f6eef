// For signed-in owners. When a session has ended, the sign-in form appears in #sign-in-again and the page stays as it
// is. After signing in, the request that was refused is sent again, with the text as it is then.
(() => {
  "use strict";

  let refused = null; // the element whose request was answered with 401

  document.addEventListener("htmx:after:request", (event) => {
    const { response, sourceElement } = event.detail.ctx;
    if (response.status === 401 && BlogappResponses.isOurs(response.raw)) refused = sourceElement;
  });

  document.addEventListener("htmx:after:settle", () => {
    const form = document.querySelector("#sign-in-again form");
    if (!form || form.dataset.shown) return;
    form.dataset.shown = "true";
    form.scrollIntoView({ block: "nearest" });
    form.querySelector("input:not([value]), input[value=''], input[type=password]").focus();
  });

  document.addEventListener("blogapp:signed-in", () => {
    const source = refused;
    refused = null;
    if (!source?.isConnected) return;
    if (source.matches("form")) source.requestSubmit();
    else source.click();
  });
})();
