// "Copy link" beside an article's title and at the comment that is pointed at or has the focus; on phones "Share".
//
// Without JavaScript, or where a page may not use the clipboard (over http), both are plain links: the article's own
// link, and a comment's time. One button serves all comments, so the page does not contain fifty of them.
(() => {
  "use strict";

  const SHOWN = 4_000; // milliseconds for which "Link copied" replaces the label
  const articleLink = document.querySelector(".copy-link");
  const shares = Boolean(navigator.share) && matchMedia("(pointer: coarse)").matches;
  if (!articleLink || (!shares && !navigator.clipboard)) return;

  const { copy, share, copied } = articleLink.dataset;
  const label = shares ? share : copy;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy-link";
  for (const each of [articleLink, button]) each.textContent = label;

  const offer = (event) => {
    const actions = event.target.closest?.(".comment")?.querySelector(":scope > .comment-actions:last-of-type");
    if (!actions || actions.contains(button) || document.activeElement === button) return;
    button.textContent = label;
    actions.append(button);
  };
  document.addEventListener("pointerover", offer);
  document.addEventListener("focusin", offer);

  const announce = (text) => {
    const status = document.getElementById("status");
    if (!status) return;
    status.classList.add("visually-hidden");
    status.textContent = "";
    setTimeout(() => {
      status.textContent = text;
    }, 100);
  };

  const use = async (link, url) => {
    if (shares) {
      // Rejected if the visitor closes the dialog.
      await navigator.share({ title: document.title, url }).catch(() => {});
      return;
    }
    await navigator.clipboard.writeText(url);
    link.textContent = copied;
    announce(copied);
    setTimeout(() => {
      link.textContent = label;
    }, SHOWN);
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.(".copy-link");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const url = (link.closest(".comment")?.querySelector(".comment-time") ?? link).href;
    use(link, url).catch(() => location.assign(url)); // the clipboard was refused: the address bar shows the link
  });
})();
