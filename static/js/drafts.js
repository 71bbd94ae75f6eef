// Drafts: unfinished text is kept in localStorage for a week, across reloads, crashes and expired edit windows.
//
// A draft's key is `article-<article id>`, `reply-<comment id>` or `edit-<comment id>-<revision>`. An edit is restored
// only into the revision that it was started from; for a newer revision, the visitor chooses.
(() => {
  "use strict";

  const A_WEEK = 7 * 86_400_000; // milliseconds
  const PREFIX = "blogapp:draft:";
  const byId = (id) => document.getElementById(id);

  // Storage may be disabled or full: then drafts are not kept, and everything else works.
  const read = (key) => {
    try {
      const draft = JSON.parse(localStorage.getItem(PREFIX + key));
      return typeof draft?.body === "string" && Math.abs(Date.now() - draft.at) < A_WEEK ? draft : null;
    } catch {
      return null;
    }
  };
  const store = (key, draft) => {
    try {
      if (draft) localStorage.setItem(PREFIX + key, JSON.stringify({ ...draft, at: Date.now() }));
      else localStorage.removeItem(PREFIX + key);
    } catch {}
  };
  const keys = () => {
    try {
      return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX)).map((key) => key.slice(PREFIX.length));
    } catch {
      return [];
    }
  };

  const commentOf = (form) => /^change-form-(\d+)$/.exec(form.id)?.[1];
  const editsOf = (comment) => keys().filter((key) => key.startsWith(`edit-${comment}-`));
  const isWriting = (form) => Boolean(form?.matches?.(".comment-form") && form.elements.body);
  const keyOf = (form) => {
    const { parent_id: parent, revision } = form.elements;
    if (revision) return `edit-${commentOf(form)}-${revision.value}`;
    return parent ? `reply-${parent.value}` : `article-${form.dataset.articleId}`;
  };

  const save = (form, open = true) => {
    const field = form.elements.body;
    // Unchanged text is not stored as a draft, unless the server returned it with errors.
    const isUnchanged = commentOf(form) && !form.dataset.returned && field.value === field.defaultValue;
    const draft = { body: field.value, open, article: form.dataset.articleId };
    store(keyOf(form), field.value.trim() && !isUnchanged ? draft : null);
  };

  const put = (field, text) => {
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true })); // counts and saves
  };

  // The notice above an edit: a draft was restored, or there is one for an older revision.
  const showNotice = (form, isOlder) => {
    const notice = form.querySelector(".draft-notice");
    if (!notice) return;
    const { older, restored } = notice.dataset;
    notice.hidden = false;
    notice.querySelector("p").textContent = isOlder ? older : restored;
    notice.querySelector("[data-draft=use]").hidden = !isOlder;
  };

  const prepareEdit = (form) => {
    const field = form.elements.body;
    const draft = read(keyOf(form));
    if (draft && draft.body !== field.value) {
      put(field, draft.body);
      showNotice(form, false);
    } else if (editsOf(commentOf(form)).some((key) => key !== keyOf(form) && read(key))) {
      showNotice(form, true);
    }
  };

  const prepare = (form) => {
    if (!isWriting(form) || form.dataset.draftReady) return;
    form.dataset.draftReady = "true";
    if (commentOf(form)) return prepareEdit(form);
    // Until November 2026 the key of a comment on the article contained its slug, which can change.
    const formerKey = `comment-${form.elements.article?.value}`;
    const draft = read(keyOf(form)) ?? (form.elements.parent_id ? null : read(formerKey));
    if (draft && !form.elements.body.value) put(form.elements.body, draft.body);
    if (!form.elements.parent_id) store(formerKey, null);
  };

  const prepareAll = () => document.querySelectorAll(".comment-form").forEach(prepare);

  // Drafts that can no longer be saved or posted are shown one after the other, so that they can be copied: below
  // their comment, or above all comments.
  const lost = [];
  const showLost = () => {
    const [draft] = lost;
    if (!draft) return;
    const box = byId("lost-draft");
    box.querySelector("label").textContent = draft.key.startsWith("edit") ? box.dataset.edit : box.dataset.post;
    box.querySelector("textarea").value = draft.body;
    box.hidden = false;
    const top = document.querySelector("#comments > .closed") ?? document.querySelector(".comments-header");
    (draft.comment?.nextElementSibling ?? top).after(box);
  };

  const isLost = async (kind, id, article) => {
    const box = byId("lost-draft");
    const comment = byId(`comment-${id}`);
    if (!box) return false;
    if (kind === "article") return id === box.dataset.articleId && !byId("comment-form");
    if (comment) return kind === "reply" || Boolean(comment.querySelector(".comment-body"));
    if (kind === "edit" || article !== box.dataset.articleId) return false;
    // The comment may be on another page.
    const answer = await fetch(BlogappResponses.pathOf(id), { method: "HEAD", redirect: "manual" }).catch(() => null);
    return answer?.status === 404 && BlogappResponses.isOurs(answer);
  };

  const reopen = async () => {
    for (const key of keys()) {
      const draft = read(key);
      const [, kind, id] = /^(article|reply|edit)-(\d+)/.exec(key) ?? [];
      if (!draft) store(key, null);
      if (!kind || !draft?.open) continue;
      const links = { reply: `:is(#comment-${id}, #queued-${id}) .reply-link`, edit: `#edit-link-${id}` };
      const link = kind in links && document.querySelector(links[kind]);
      if (link) {
        link.dataset.opensDraft = "true";
        link.click();
      } else if (await isLost(kind, id, draft.article)) {
        lost.push({ key, body: draft.body, comment: kind === "article" ? null : byId(`comment-${id}`) });
        if (lost.length === 1) showLost();
      }
    }
  };

  document.addEventListener("input", (event) => {
    if (isWriting(event.target.form) && event.target.name === "body") save(event.target.form);
  });

  document.addEventListener("draft-closed", (event) => {
    if (isWriting(event.target)) save(event.target, false);
  });

  document.addEventListener("click", (event) => {
    const action = event.target.dataset?.draft;
    const form = event.target.form;
    if (action === "discard-lost") {
      const { key, comment } = lost.shift();
      store(key, null);
      byId("lost-draft").hidden = true;
      showLost();
      (lost.length ? byId("lost-draft-text") : comment?.isConnected ? comment : byId("comments")).focus();
    }
    if (!form || !["use", "discard"].includes(action)) return;
    const field = form.elements.body;
    const older = editsOf(commentOf(form)).filter((key) => key !== keyOf(form));
    const text = action === "use" ? read(older.at(-1))?.body : field.defaultValue;
    older.forEach((key) => store(key, null));
    if (text !== undefined) put(field, text);
    form.querySelector(".draft-notice").hidden = true;
    field.focus();
  });

  // After a successful request, delete the draft.
  document.addEventListener("htmx:after:request", (event) => {
    const { sourceElement: form, response, request } = event.detail.ctx;
    if (event.defaultPrevented || response.status >= 300 || !form?.matches?.(".comment-form")) return;
    const comment = commentOf(form);
    if (comment) editsOf(comment).forEach((key) => store(key, null));
    else if (isWriting(form)) {
      // Keep text that was typed in the meantime, here or in another tab.
      const sent = request.body?.get?.("body")?.replaceAll("\r\n", "\n");
      if (read(keyOf(form))?.body === sent) store(keyOf(form), null);
    }
  });

  document.addEventListener("htmx:after:settle", (event) => {
    const { newContent, task } = event.detail;
    for (const form of newContent ?? []) {
      if (!isWriting(form) || !task.sourceElement?.matches?.(".comment-form") || !form.elements.body.value.trim()) continue;
      // The form was returned with errors, or with text that was typed in the meantime.
      if (commentOf(form)) editsOf(commentOf(form)).forEach((key) => store(key, null));
      form.dataset.draftReady = form.dataset.returned = "true";
      save(form);
    }
    delete task.sourceElement?.dataset?.opensDraft;
    prepareAll();
  });

  // In a task of its own, because the first access to localStorage takes long.
  document.addEventListener("htmx:after:process", () => {
    setTimeout(() => {
      prepareAll();
      reopen();
    });
  }, { once: true });
})();
