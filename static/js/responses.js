// Decides which responses may change the page, and shows failures.
//
// Only fragments from this application are swapped in: they have the header Blogapp-Response (blogapp/web/headers.py).
// After any other response (a proxy's error page, a captive portal, a login page, a redirect to another page, an empty
// body) the page and the text in its forms stay as they are, and a message appears beside the form or button.
// This file is first in the bundle, so that a failure in a later script does not disable it.
const BlogappResponses = (() => {
  "use strict";

  const NO_CONTENT = [204, 304];
  const CONTAINERS = ".comment-actions, .comments-header, .preview-box, .pages, .more-replies";

  const isOurs = (response) => response.headers.has("Blogapp-Response");

  // The path of a comment's permalink.
  const pathOf = (id) => `${document.querySelector(".site-title").pathname}comments/${id}`;

  const isFragment = ({ response, text }) =>
    isOurs(response.raw) &&
    !response.raw.redirected &&
    (NO_CONTENT.includes(response.status) || (text.trim() !== "" && !/^\s*<(?:!doctype|html)\b/i.test(text)));

  // This application's error message (templates/errors/_error.html), or a falsy value.
  const errorIn = ({ response, text }) =>
    response.status >= 400 && new DOMParser().parseFromString(text, "text/html").querySelector("[data-error]");

  // Automatic requests (the view count, the live refresh) fail without a message.
  const isVisible = (ctx) => ["click", "submit", "input"].includes(ctx.sourceEvent?.type);

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
    if (!error) ctx.hx = {}; // ignore the HX-Trigger of a foreign response
    showFailure(ctx, error);
  });

  // No response: offline, connection lost, response cut off, or timeout.
  document.addEventListener("htmx:error", (event) => {
    if (event.detail.ctx) showFailure(event.detail.ctx, null);
  });

  // Show the message of #status beside the comment, too. Only one such notice is shown at a time.
  const showNotice = (place) => {
    const text = document.getElementById("status")?.textContent.trim();
    document.querySelector(".notice")?.remove();
    if (!text || !place) return;
    const notice = document.createElement("p");
    notice.className = "notice";
    notice.textContent = text;
    place.append(notice);
  };

  return { isOurs, pathOf, showNotice };
})();
