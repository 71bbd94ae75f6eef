// Writing: drafts that outlive the page, what is left of the length, the name for next time, Ctrl+Enter.
(() => {
  "use strict";

  const A_WEEK = 7 * 86_400_000; // milliseconds
  const NEAR = 500; // characters left at which the count appears
  const DRAFT = "blogapp:draft:";
  const VISITOR = "blogapp:visitor";

  // A browser may forbid storage; then nothing is kept, and all else works.
  const store = {
    get(key) {
      try {
        return JSON.parse(localStorage.getItem(key));
      } catch {
        return null;
      }
    },
    set(key, value) {
      try {
        if (value === null) localStorage.removeItem(key);
        else localStorage.setItem(key, JSON.stringify(value));
      } catch {}
    },
    keys() {
      try {
        return Object.keys(localStorage);
      } catch {
        return [];
      }
    },
  };

  const page = `${DRAFT}${location.pathname.replace(/\/comments$/, "")}#`;
  const keyOf = (form) => page + (form.elements.parent_id ? `reply-${form.elements.parent_id.value}` : "comment");
  const isNew = (form) => Boolean(form?.matches?.(".comment-form") && form.elements.body && form.elements.article);

  const save = (form, open = true) => {
    const body = form.elements.body.value;
    store.set(keyOf(form), body.trim() ? { body, at: Date.now(), open } : null);
  };

  const count = (field) => {
    const left = field.closest(".field")?.querySelector(".left");
    if (!left) return;
    const rest = Number(field.dataset.limit) - [...field.value].length;
    left.hidden = rest > NEAR;
    if (!left.hidden) left.textContent = BlogappWords.counted(left.dataset.forms, rest);
    left.classList.toggle("left-over", rest < 0);
  };

  const prepare = (form) => {
    if (!isNew(form) || form.dataset.prepared) return;
    form.dataset.prepared = "true";
    const draft = store.get(keyOf(form));
    if (draft && Date.now() - draft.at < A_WEEK && !form.elements.body.value) form.elements.body.value = draft.body;
    count(form.elements.body);
    const remember = form.querySelector("[data-remember]");
    if (!remember) return;
    remember.closest(".remember").hidden = false;
    const visitor = store.get(VISITOR);
    if (!visitor) return;
    remember.checked = true;
    form.elements.author_name.value ||= visitor.name ?? "";
    form.elements.author_url.value ||= visitor.url ?? "";
  };

  const prepareAll = () => document.querySelectorAll(".comment-form").forEach(prepare);

  const reopen = () => {
    for (const key of store.keys()) {
      if (!key.startsWith(DRAFT)) continue;
      const draft = store.get(key);
      if (!draft || Date.now() - draft.at > A_WEEK) store.set(key, null);
      else if (draft.open && key.startsWith(`${page}reply-`)) {
        const link = document.getElementById(`reply-link-${key.slice(`${page}reply-`.length)}`);
        if (!link) continue;
        link.dataset.opensDraft = "true";
        link.click();
      }
    }
  };

  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (event.target.dataset?.limit) count(event.target);
    if (isNew(form) && event.target.name === "body") save(form);
  });

  document.addEventListener("draft-closed", (event) => {
    if (isNew(event.target)) save(event.target, false);
  });

  document.addEventListener("htmx:after:request", (event) => {
    const { ctx } = event.detail;
    const form = ctx.sourceElement;
    if (![201, 202].includes(ctx.response.status) || !isNew(form)) return;
    const remember = form.querySelector("[data-remember]");
    if (remember) {
      const visitor = { name: form.elements.author_name.value, url: form.elements.author_url.value };
      store.set(VISITOR, remember.checked ? visitor : null);
    }
    store.set(keyOf(form), null);
  });

  document.addEventListener("htmx:after:settle", (event) => {
    delete event.detail.task.sourceElement?.dataset?.opensDraft;
    prepareAll();
    // A form that came back may hold text that was typed on while it was under way.
    for (const node of event.detail.newContent ?? []) if (isNew(node) && node.elements.body.value.trim()) save(node);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    const form = event.target.closest?.(".comment-form");
    if (!form || event.target.tagName !== "TEXTAREA") return;
    event.preventDefault();
    form.requestSubmit(form.querySelector("button[type=submit]"));
  });

  document.addEventListener("htmx:after:process", () => {
    prepareAll();
    reopen();
  }, { once: true });
})();
