// For signed-in owners. When a session has ended, the sign-in form appears in #sign-in-again and the page stays as it
// is. After signing in, the request that was refused is sent again, with the text as it is then. No response loses the
// focus.
(() => {
  "use strict";

  let refused = null; // the element whose request was answered with 401, and the button that was pressed

  document.addEventListener("htmx:after:request", (event) => {
    const { response, sourceElement: source, sourceEvent } = event.detail.ctx;
    if (response.status === 401 && BlogappResponses.isOurs(response.raw))
      refused = { source, submitter: sourceEvent?.submitter };
  });

  let focused = null; // before a response is swapped
  let isSigningIn = false; // `focused` is in the sign-in form
  let last = null; // what had the focus last, outside of the sign-in form
  const isInSignIn = (element) => Boolean(element.closest("#sign-in-again"));
  document.addEventListener("focusin", ({ target }) => {
    if (!isInSignIn(target)) last = target;
  });
  document.addEventListener("htmx:before:swap", () => {
    focused = document.activeElement;
    isSigningIn = isInSignIn(focused);
  });

  // A response has removed the button that had the focus, and no other script has moved the focus: it goes to the
  // message about what was done, or after signing in to where the owner was before.
  const keepFocus = () => {
    if (!focused || focused.isConnected || document.activeElement !== document.body) return;
    const status = document.getElementById("status");
    if (isSigningIn && last?.isConnected) last.focus();
    else if (status) {
      status.tabIndex = -1;
      status.focus({ preventScroll: !status.textContent.trim() });
    }
  };

  document.addEventListener("htmx:after:settle", () => {
    queueMicrotask(keepFocus); // after the other scripts
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
