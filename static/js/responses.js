// Decides which answers may change the page, and tells the visitor about failures.
//
// Only an answer of this application is swapped in: it has the header Blogapp-Response (blogapp/web/headers.py) and is
// a fragment. Anything else (a proxy's error page, a captive portal, a login page, a redirect to another page, an
// empty body) leaves the page and the text in its forms as they are, and a sentence appears beside the form or button.
// This file comes first in the bundle: if a later script fails, the forms are still protected.
const BlogappResponses = (() => {
  "use strict";

  const NO_CONTENT = [204, 304];
  const CONTAINERS = ".comment-actions, .comments-header, .preview-box, .pages, .more-replies";

  const isOurs = (response) => response.headers.has("Blogapp-Response");

  const isFragment = ({ response, text }) =>
    isOurs(response.raw) &&
    !response.raw.redirected &&
    (NO_CONTENT.includes(response.status) || (text.trim() !== "" && !/^\s*<(?:!doctype|html)\b/i.test(text)));

  // Our own error message (templates/errors/_error.html), if that is what the answer is.
  const errorIn = ({ response, text }) =>
    response.status >= 400 && new DOMParser().parseFromString(text, "text/html").querySelector("[data-error]");

  // Requests that nobody asked for (the view count, the live refresh) fail without a message.
  const isVisible = (ctx) => ["click", "submit"].includes(ctx.sourceEvent?.type);

  const containerOf = (source) => source.closest(CONTAINERS) ?? source.parentElement;

  const showFailure = (ctx, content) => {
    const source = ctx.sourceElement;
    if (!isVisible(ctx) || !source?.isConnected) return;
    let place = source.closest("form")?.querySelector(".form-failure");
    if (!place) {
      place = document.createElement("span");
      place.className = "request-failure";
      place.role = "alert";
      containerOf(source).append(place);
    }
    const hasText = Boolean((source.form ?? source.closest("form"))?.querySelector("textarea")?.value.trim());
    const { failed, failedText } = document.body.dataset;
    place.replaceChildren(...(content ? content.childNodes : [hasText ? failedText : failed]));
  };

  const clearFailure = (source) => {
    source.closest("form")?.querySelector(".form-failure")?.replaceChildren();
    containerOf(source)?.querySelector(":scope > .request-failure")?.remove();
  };

  document.addEventListener("htmx:config:request", (event) => clearFailure(event.detail.ctx.sourceElement));

  document.addEventListener("htmx:after:request", (event) => {
    const { ctx } = event.detail;
    const error = isFragment(ctx) ? errorIn(ctx) : null;
    if (isFragment(ctx) && !error) return;
    event.preventDefault(); // htmx swaps nothing and follows no redirect
    if (!error) ctx.hx = {}; // nor does it fire the events of somebody else's HX-Trigger
    showFailure(ctx, error);
  });

  // No answer: offline, connection lost, answer cut off, or timeout.
  document.addEventListener("htmx:error", (event) => {
    if (event.detail.ctx) showFailure(event.detail.ctx, null);
  });

  // A message that is read out through #status is also shown here, where the visitor is looking. One at a time.
  const showNotice = (place) => {
    const text = document.getElementById("status")?.textContent.trim();
    document.querySelector(".notice")?.remove();
    if (!text || !place) return;
    const notice = document.createElement("p");
    notice.className = "notice";
    notice.textContent = text;
    place.append(notice);
  };

  return { isOurs, showNotice };
})();
