// The editor of articles: saves while the owner types, keeps unsaved text in this browser, shows the preview, and has
// buttons for Markdown. Without it, the form works with its own buttons.
//
// The text is in the form's own textarea and is never replaced, so focus, caret and undo survive every save. "Saved" is
// shown only when the server has said so.
(() => {
  "use strict";

  const PAUSE = 1_000; // milliseconds without typing before a save
  const LONGEST_PAUSE = 2_000; // milliseconds after a change before a save, while typing goes on
  const RETRY = 5_000;
  const TIMEOUT = 20_000;
  const PREVIEW_PAUSE = 600;
  const KEPT_FOR = 30 * 86_400_000;
  const PREFIX = "blogapp:article:";
  const KEPT_FIELDS = [
    "title", "body", "slug", "lang", "summary", "tags", "published_at", "author", "author_name", "unlisted",
    "kind", "menu", "comments", "cover", "cover_alt", "translation_of",
  ];
  const byId = (id) => document.getElementById(id);

  const start = (form) => {
    const { title, body } = form.elements;
    const bar = () => byId("owner-state");
    const field = (name) => form.elements[name];
    let sequence = 0;
    let changes = 0; // changes so far
    let savedChanges = 0; // changes that the server has
    let sentChanges = -1; // changes that the running request sends; -1 without one
    let firstChange = 0; // when the oldest unsaved change was made
    let timer = null;
    let saving = null; // the promise of the running save
    let isBlocked = false; // a conflict or the sign-in form must be dealt with first
    let keptTimer = null;
    let isLeaving = false; // the next page was requested
    const oldKeys = new Set(); // entries of localStorage that this form has taken over

    const show = (text, isProblem = false) => {
      const place = byId("owner-saved");
      if (place.textContent !== text) place.textContent = text;
      place.classList.toggle("editor-problem", isProblem);
      place.role = isProblem ? "alert" : null;
    };
    const isUnsaved = () => changes !== savedChanges;

    // --- Unsaved text in this browser ---------------------------------------------------------------------------

    const keyOf = () => `${PREFIX}${bar().dataset.article || "new"}:${field("editor").value}`;
    const values = () => Object.fromEntries(KEPT_FIELDS.map((name) => {
      const input = field(name);
      return [name, input.type === "checkbox" ? input.checked : input.value];
    }));
    // Storage may be disabled or full: then the text is only on the server.
    const keep = (isSending = false) => {
      keptTimer = null;
      if (!isUnsaved() && !isSending) return;
      try {
        const entry = {
          values: values(),
          revision: Number(field("revision").value),
          sequence, // of the last request, so the text is at least as new
          continued: field("continued").value,
          isSent: changes === sentChanges, // nobody knows yet whether it has arrived
          at: Date.now(),
        };
        localStorage.setItem(keyOf(), JSON.stringify(entry));
      } catch {}
    };
    const forget = (key) => {
      try {
        localStorage.removeItem(key);
      } catch {}
    };
    const entries = () => {
      const found = [];
      try {
        const prefix = `${PREFIX}${bar().dataset.article || "new"}:`;
        for (const key of Object.keys(localStorage).filter((each) => each.startsWith(prefix))) {
          const entry = JSON.parse(localStorage.getItem(key));
          if (Date.now() - entry.at > KEPT_FOR || typeof entry.values?.body !== "string") forget(key);
          else if (key !== keyOf()) found.push({ key, ...entry });
        }
      } catch {}
      return found.sort((a, b) => b.at - a.at);
    };
    const put = (kept) => {
      for (const [name, value] of Object.entries(kept)) {
        const input = field(name);
        if (!input || !KEPT_FIELDS.includes(name)) continue;
        if (input.type === "checkbox") input.checked = value;
        else input.value = value;
      }
    };
    const offerKept = () => {
      const entry = entries()[0];
      if (!entry) return;
      const before = values();
      // A request that the page before sent at its very end may reach the server after this page was rendered. The
      // server then does not take it for another window's.
      const request = `${entry.key.split(":").at(-1)}.${entry.sequence}`;
      const goOn = () => { field("continued").value = request; };
      const last = bar().dataset.editedIn; // the request of the last save
      const isOfForm = (earlier, later) => {
        const [[form, number], [laterForm, laterNumber]] = [earlier.split("."), (later ?? "").split(".")];
        return form === laterForm && Number(number) <= Number(laterNumber);
      };
      const isStored = entry.isSent && isOfForm(request, last);
      if (isStored || KEPT_FIELDS.every((name) => entry.values[name] === before[name])) {
        goOn();
        return forget(entry.key);
      }
      // Nothing was saved elsewhere since: this text is the latest, so it is shown at once.
      const isLatest = bar().dataset.article
        && (entry.revision === Number(field("revision").value) || isOfForm(last, request) || isOfForm(last, entry.continued));
      const box = byId("owner-kept");
      const [words, use, discard] = [box.querySelector("p"), box.querySelector("[data-kept=use]"), box.querySelector("[data-kept=discard]")];
      const take = () => {
        put(entry.values);
        goOn();
        oldKeys.add(entry.key);
        changed();
      };
      words.textContent = isLatest
        ? words.dataset.restored
        : words.dataset.other.replace("%(title)s", entry.values.title || entry.values.body.slice(0, 60));
      use.hidden = Boolean(isLatest);
      const isReload = performance.getEntriesByType("navigation")[0]?.type === "reload";
      box.hidden = Boolean(isLatest && entry.isSent && isReload); // only the last save was not finished
      use.addEventListener("click", () => {
        take();
        box.hidden = true;
        body.focus();
      });
      discard.addEventListener("click", () => {
        forget(entry.key);
        box.hidden = true;
        body.focus();
        if (!isLatest) return;
        put(before);
        changed();
      });
      if (isLatest) take();
    };

    // --- Saving while typing ------------------------------------------------------------------------------------

    const changed = () => {
      changes += 1;
      isLeaving = false;
      firstChange ||= Date.now();
      keptTimer ??= setTimeout(keep, 300);
      if (!isBlocked) show(form.dataset.unsaved);
      schedule(Math.min(PAUSE, Math.max(0, firstChange + LONGEST_PAUSE - Date.now())));
      grow();
      count();
      preview.schedule();
    };

    const schedule = (delay) => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        timer = null; // also if a save is running: its end schedules the next one
        save();
      }, delay);
    };

    const isEmpty = () => !bar().dataset.article && !title.value.trim() && !body.value.trim();

    const save = () => {
      if (saving || isSubmitting || isBlocked || !isUnsaved() || isEmpty()) return saving;
      saving = send().finally(() => {
        saving = null;
        if (isUnsaved() && !isBlocked && !timer) schedule(PAUSE);
      });
      timer = null;
      return saving;
    };

    // A request with the text begins. Returns the number of changes that it sends.
    const begin = () => {
      field("sequence").value = sequence += 1;
      sentChanges = changes;
      keep(true);
      return changes;
    };

    // The request has ended, and the server does not have the text.
    const endUnsaved = () => {
      sentChanges = -1;
      keep();
    };

    const send = async () => {
      const count = begin();
      show(form.dataset.saving);
      const fields = new FormData(form);
      fields.set("action", "autosave");
      let response, text;
      try {
        const request = { method: "POST", body: fields, headers: { "HX-Request": "true" }, signal: AbortSignal.timeout(TIMEOUT) };
        response = await fetch(bar().dataset.url, request);
        text = await response.text();
      } catch {
        response = null;
      }
      if (!response || response.redirected || !BlogappResponses.isOurs(response) || response.status >= 500) {
        endUnsaved();
        show(form.dataset.noConnection, true);
        schedule(RETRY);
        return;
      }
      const page = new DOMParser().parseFromString(text, "text/html");
      if (response.status === 401) return askToSignIn(page);
      if (response.status === 409) return showConflict(page);
      if (!page.getElementById("owner-state")) {
        endUnsaved();
        showErrors(page);
        show(form.dataset.refused, true);
        schedule(RETRY);
        return;
      }
      confirm(count, response.status !== 422);
      takeOver(page);
      showErrors(page);
    };

    // The server has the text as it was after `count` changes; all fields of it if `isWhole`.
    const confirm = (count, isWhole = true) => {
      const key = keyOf();
      savedChanges = Math.max(savedChanges, count);
      form.querySelector(".form-failure").replaceChildren(); // of a button, before the connection was back
      firstChange = isUnsaved() ? Date.now() : 0;
      oldKeys.add(key); // an article that has been created gets another one
      // A field that was refused is only in this browser. The page that follows this one may not have the text yet.
      if (isUnsaved() || !isWhole || isLeaving) return;
      clearTimeout(keptTimer);
      keptTimer = null;
      oldKeys.forEach(forget);
      oldKeys.clear();
      delete form.dataset.dirty;
    };

    // Take over what the server says about the article. Buttons keep the focus, so they are replaced only without it.
    const takeOver = (page) => {
      const now = page.getElementById("owner-state");
      const wasNew = !bar().dataset.article;
      if (bar().contains(document.activeElement)) {
        Object.assign(bar().dataset, now.dataset);
        for (const input of now.querySelectorAll("input")) field(input.name).value = input.value;
        bar().querySelector(".editor-state").replaceWith(now.querySelector(".editor-state"));
      } else {
        bar().replaceWith(now);
      }
      if (wasNew) byId("owner-more-actions").replaceChildren(...page.getElementById("owner-more-actions").childNodes);
      byId("owner-slug-hint").replaceWith(page.getElementById("owner-slug-hint"));
      settle(page);
      preview.schedule();
      if (isUnsaved()) show(form.dataset.unsaved);
    };

    // After each save: the address of a new article, and the slug that the server has chosen.
    const settle = (page) => {
      const { url, page: address, heading } = bar().dataset;
      const place = document.querySelector("main h1");
      if (place.textContent !== heading) {
        document.title = document.title.replace(place.textContent, heading);
        place.textContent = heading;
        form.setAttribute("aria-label", heading);
      }
      if (form.getAttribute("action") !== url) {
        form.setAttribute("action", url);
        form.setAttribute("hx-post", url);
        if (address) history.replaceState(history.state, "", address);
      }
      const found = page.getElementById("owner-stored");
      if (!found) return;
      // A slug or date that the owner has not changed meanwhile follows what the server has stored.
      for (const [name, key] of [["slug", "slug"], ["published_at", "date"]]) {
        const input = field(name);
        if (input.value === stored[key] && document.activeElement !== input) input.value = found.dataset[key];
        stored[key] = found.dataset[key];
      }
    };
    const stored = { ...byId("owner-stored").dataset };

    const showErrors = (page) => {
      for (const found of page.querySelectorAll("[data-error-for]")) {
        const place = byId(found.id);
        if (place && place.textContent !== found.textContent) place.textContent = found.textContent;
      }
      markWrong();
    };

    const markWrong = (mayFocus = false) => {
      let first = null;
      for (const place of form.querySelectorAll("[data-error-for]")) {
        const input = field(place.dataset.errorFor);
        if (!input) continue;
        if (place.textContent.trim()) {
          input.setAttribute("aria-invalid", "true");
          first ??= input;
        } else {
          input.removeAttribute("aria-invalid");
        }
      }
      if (!first || !mayFocus) return;
      const details = first.closest("details");
      if (details) details.open = true;
      first.focus();
    };

    const askToSignIn = (page) => {
      isBlocked = true;
      endUnsaved();
      show(form.dataset.signedOut, true);
      const place = byId("sign-in-again");
      if (place.querySelector("form")) return;
      // Not focused: the owner is typing. owner.js leaves a form alone that is marked as shown.
      for (const each of page.querySelectorAll("form")) each.dataset.shown = "true";
      place.replaceChildren(...page.body.childNodes);
      htmx.process(place);
    };

    const showConflict = (page) => {
      isBlocked = true;
      endUnsaved();
      show(form.dataset.conflict, true);
      const found = page.getElementById("owner-conflict");
      if (found) byId("owner-conflict").replaceChildren(...found.childNodes);
    };

    const submitPlainly = (action) => {
      keep();
      const input = Object.assign(document.createElement("input"), { type: "hidden", name: "action", value: action });
      form.append(input);
      HTMLFormElement.prototype.submit.call(form);
      input.remove();
    };

    // --- Buttons of the form ------------------------------------------------------------------------------------

    let submittedChanges = 0;
    let isSubmitting = false; // a button's request is running: an automatic save could overtake it
    // A button waits for the running save: a request that is overtaken by an older one would be refused.
    form.addEventListener("submit", (event) => {
      const { submitter } = event;
      if (submitter?.id === "owner-preview-button") {
        event.preventDefault();
        event.stopImmediatePropagation();
        preview.toggle();
        return;
      }
      if (saving) {
        event.preventDefault();
        event.stopImmediatePropagation();
        saving.finally(() => form.requestSubmit(submitter?.isConnected ? submitter : byId(submitter?.id ?? "owner-save")));
        return;
      }
      clearTimeout(timer);
      timer = null;
      submittedChanges = begin();
      isSubmitting = true;
    }, true);

    // Also those above the form.
    document.addEventListener("click", (event) => {
      if (!event.target.matches("[data-plain-submit]")) return;
      event.preventDefault();
      submitPlainly(event.target.value);
    });

    document.addEventListener("htmx:finally:request", (event) => {
      if (event.detail.ctx.sourceElement !== form) return;
      isSubmitting = false;
      if (isUnsaved()) endUnsaved();
      else if (!isLeaving) forget(keyOf());
      if (isUnsaved() && !isBlocked) schedule(PAUSE);
    });

    document.addEventListener("htmx:after:request", (event) => {
      const { sourceElement, response, text } = event.detail.ctx;
      if (sourceElement !== form) return;
      if (response.status < 300) {
        isBlocked = false;
        confirm(submittedChanges);
      } else if (response.status === 409) {
        isBlocked = true;
        keep();
        show(form.dataset.conflict, true);
      }
      const page = new DOMParser().parseFromString(text ?? "", "text/html");
      settleSoon = response.status < 300 ? page : null;
    });
    let settleSoon = null; // the last response, until htmx has swapped it

    document.addEventListener("htmx:after:settle", (event) => {
      if (event.detail.task?.sourceElement !== form && event.detail.ctx?.sourceElement !== form) return;
      if (settleSoon) settle(settleSoon);
      settleSoon = null;
      markWrong(true);
      if (isUnsaved()) schedule(PAUSE);
    });

    document.addEventListener("blogapp:signed-in", () => {
      isBlocked = false;
      if (isUnsaved()) schedule(0);
    });

    const isWide = () => matchMedia("(min-width: 70rem)").matches;

    // --- Preview ------------------------------------------------------------------------------------------------

    const preview = (() => {
      const button = byId("owner-preview-button");
      const place = byId("owner-preview");
      let shownChanges = -1;
      let isRunning = false;
      let pause = null;
      let took = 0;
      const isOpen = () => !place.hidden;
      const load = async () => {
        if (!isOpen() || isRunning || shownChanges === changes) return;
        isRunning = true;
        const sentChanges = changes;
        const began = performance.now();
        let isSignedOut = false;
        try {
          const request = { method: "POST", body: new FormData(form), headers: { "HX-Request": "true" }, signal: AbortSignal.timeout(TIMEOUT) };
          const response = await fetch(form.dataset.previewUrl, request);
          const text = await response.text();
          if (response.ok && BlogappResponses.isOurs(response) && !response.redirected) {
            const page = new DOMParser().parseFromString(text, "text/html");
            place.replaceChildren(...page.body.childNodes);
            shownChanges = sentChanges;
          }
          isSignedOut = response.status === 401;
        } catch {}
        took = performance.now() - began;
        isRunning = false;
        if (changes !== sentChanges) schedule();
        // A failed request is repeated later; that of a signed-out owner only after a change or the next save.
        else if (shownChanges !== changes && !isSignedOut) schedule(RETRY);
      };
      const schedule = (least = PREVIEW_PAUSE) => {
        if (!isOpen()) return;
        clearTimeout(pause);
        pause = setTimeout(load, Math.max(least, 2 * took)); // a long text takes the server longer
      };
      const toggle = (opens = !isOpen(), isRemembered = true) => {
        place.hidden = !opens;
        form.classList.toggle("shows-preview", opens);
        // On a wide screen, both are visible; on a narrow one, the button leads back to the text.
        button.textContent = opens && !isWide() ? button.dataset.write : button.dataset.preview;
        button.setAttribute("aria-expanded", String(opens));
        try {
          if (isRemembered) localStorage.setItem("blogapp:preview", opens ? "open" : "");
        } catch {}
        if (opens) load();
        else grow();
      };
      byId("owner-tools").append(button); // beside the text, where it works as a tab
      button.tabIndex = -1;
      button.setAttribute("aria-expanded", "false");
      return { schedule, toggle };
    })();

    // --- The text -----------------------------------------------------------------------------------------------

    // Browsers with `field-sizing` need no help (static/css/editor.css).
    const grow = () => {
      if (CSS.supports("field-sizing", "content")) return;
      body.style.blockSize = "auto";
      body.style.blockSize = `${body.scrollHeight + 2}px`;
    };

    // As in blogapp/text/reading_time.py.
    const WORDS_PER_MINUTE = 220;
    const CHARACTERS_PER_MINUTE = 500;
    const CHARACTER = /[\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff\u{20000}-\u{3ffff}]/gu;
    let countTimer = null;
    const count = () => {
      clearTimeout(countTimer);
      countTimer = setTimeout(() => {
        const segmenter = new Intl.Segmenter(field("lang").value, { granularity: "word" });
        let words = 0;
        for (const { isWordLike } of segmenter.segment(body.value)) words += isWordLike ? 1 : 0;
        let spaced = 0;
        const text = body.value.replace(CHARACTER, " ");
        for (const { isWordLike } of segmenter.segment(text)) spaced += isWordLike ? 1 : 0;
        const characters = body.value.match(CHARACTER)?.length ?? 0;
        const minutes = Math.max(1, Math.round(spaced / WORDS_PER_MINUTE + characters / CHARACTERS_PER_MINUTE));
        byId("owner-count").textContent = words
          ? `${BlogappWords.counted(form.dataset.words, words)} · ${BlogappWords.counted(form.dataset.minutes, minutes)}`
          : "";
      }, 300);
    };

    // The old command, because it is the only one that the browser's undo knows.
    const insertText = (text) => {
      if (document.activeElement === body && document.execCommand("insertText", false, text)) return; // not if it is hidden
      body.setRangeText(text, body.selectionStart, body.selectionEnd, "end");
      body.dispatchEvent(new Event("input", { bubbles: true }));
    };
    const replaceSelection = (text, selectionStart, selectionEnd) => {
      body.focus();
      insertText(text);
      if (selectionStart !== undefined) body.setSelectionRange(selectionStart, selectionEnd);
    };
    const selected = () => body.value.slice(body.selectionStart, body.selectionEnd);
    const wrap = (mark, endMark = mark) => {
      const { selectionStart: from, selectionEnd: to } = body;
      const text = selected();
      const outside = body.value.slice(from - mark.length, from) === mark && body.value.slice(to, to + endMark.length) === endMark;
      if (outside) {
        body.setSelectionRange(from - mark.length, to + endMark.length);
        replaceSelection(text, from - mark.length, to - mark.length);
      } else {
        replaceSelection(mark + text + endMark, from + mark.length, to + mark.length);
      }
    };
    const prefixLines = (prefix) => {
      const from = body.value.lastIndexOf("\n", body.selectionStart - 1) + 1;
      const end = body.value.indexOf("\n", body.selectionEnd);
      const to = end < 0 ? body.value.length : end;
      const lines = body.value.slice(from, to).split("\n");
      const isOn = lines.every((line) => line.startsWith(prefix));
      const text = lines.map((line) => (isOn ? line.slice(prefix.length) : prefix + line)).join("\n");
      body.setSelectionRange(from, to);
      replaceSelection(text, from + text.length, from + text.length);
    };
    const link = (before, address) => {
      const from = body.selectionStart;
      const text = selected();
      const isAddress = /^https?:\/\/\S+$/.test(text);
      const start = from + before.length;
      if (isAddress) replaceSelection(`${before}](${text})`, start, start);
      else replaceSelection(`${before}${text}](${address})`, start + text.length + 2, start + text.length + 2 + address.length);
    };
    const code = () => {
      if (selected().includes("\n")) wrap("```\n", "\n```");
      else wrap("`");
    };

    // --- Pictures in the text -----------------------------------------------------------------------------------

    // A picture is uploaded while the owner goes on writing. It is inserted where the caret was when it was chosen.
    const PICTURE = /(?:\[!\[.*?\]\([^)\n]*\)\]|!\[.*?\])\([^)\n]*\)/g; // also one in a link
    const places = new Set(); // where the pictures will be inserted that are being uploaded
    const position = () => [document.activeElement, changes, body.selectionStart, body.selectionEnd];
    const isAt = (before) => position().every((each, number) => each === before[number]);
    const lineEnd = (at) => {
      const end = body.value.indexOf("\n", at);
      return end < 0 ? body.value.length : end;
    };

    let textBefore = "";
    const choosePlace = () => {
      const at = body.selectionEnd;
      const endsLine = at === lineEnd(at) && !["", "\n"].includes(body.value.slice(0, at).slice(-1));
      const place = { at, endsLine, before: position() };
      if (!places.size) textBefore = body.value;
      places.add(place);
      return place;
    };

    // Move the places with the text around them. Text that is typed exactly there comes after the picture.
    const movePlaces = () => {
      if (!places.size) return;
      const [old, now] = [textBefore, body.value];
      textBefore = now;
      const grown = now.length - old.length;
      const most = Math.min(old.length, now.length);
      // Not behind the caret: which of several equal characters is new cannot be seen in the text.
      const mostEqual = Math.min(most, body.selectionEnd - Math.max(0, grown));
      let [from, rest] = [0, 0];
      while (from < mostEqual && old[from] === now[from]) from += 1;
      while (rest < most - from && old.at(-1 - rest) === now.at(-1 - rest)) rest += 1;
      const to = old.length - rest; // `from` to `to` was replaced
      for (const place of places) {
        if (place.at <= from) continue;
        place.at = place.at >= to ? place.at + grown : from;
      }
    };
    body.addEventListener("input", movePlaces);

    let isComposing = false;
    body.addEventListener("compositionstart", () => { isComposing = true; });
    body.addEventListener("compositionend", () => { isComposing = false; });
    const composed = () => new Promise((resolve) => {
      if (isComposing) body.addEventListener("compositionend", resolve, { once: true });
      else resolve();
    });

    // In a paragraph of its own, and not inside of another picture. The description of a single picture is typed next,
    // but only if the owner has done nothing else meanwhile: what is being typed stays in its field.
    const insertPicture = async ({ address, alt }, place, isOnly) => {
      await composed(); // an input method would lose the word that it is composing
      const isWaiting = isAt(place.before);
      // The sentence at whose end the picture was chosen may have been continued.
      let at = place.endsLine ? lineEnd(place.at) : place.at;
      for (const { 0: { length }, index } of body.value.matchAll(PICTURE))
        if (index < at && at < index + length) at = index + length;
      const [before, after] = [body.value.slice(0, at), body.value.slice(at)];
      const gap = !before || before.endsWith("\n\n") ? "" : before.endsWith("\n") ? "\n" : "\n\n";
      const tail = after.startsWith("\n\n") ? "" : after.startsWith("\n") ? "\n" : "\n\n";
      const markdown = `${gap}![${alt}](${address})`;
      const together = [...places].filter((each) => each.at === place.at); // several were chosen at the same place
      if (isWaiting) body.focus();
      insertAt(at, markdown + tail);
      for (const each of together) each.at = at + markdown.length;
      if (!isWaiting) return;
      const description = at + gap.length + 2;
      const end = at + markdown.length + 2; // after the empty line
      body.setSelectionRange(...(isOnly ? [description, description + alt.length] : [end, end]));
      place.before = position();
    };

    // The caret stays before the same character, which stays where it is on the screen.
    const insertAt = (at, text) => {
      if (document.activeElement !== body) {
        body.setRangeText(text, at, at, "preserve");
        body.dispatchEvent(new Event("input", { bubbles: true }));
        return;
      }
      const { selectionStart: from, selectionEnd: to, selectionDirection, offsetHeight } = body;
      const top = scrollY;
      const moved = (index) => (index > at ? index + text.length : index);
      body.setSelectionRange(at, at);
      insertText(text);
      body.setSelectionRange(moved(from), moved(to), selectionDirection);
      scrollTo({ top: top + (from > at ? body.offsetHeight - offsetHeight : 0), behavior: "instant" });
    };
    const files = byId("owner-picture-files");
    const addPictures = async (chosen) => {
      const place = choosePlace();
      let last = null;
      await BlogappPictures.upload(form.querySelector(".uploads"), chosen, (stored) => {
        last = insertPicture(stored, place, chosen.length === 1);
      });
      await last;
      places.delete(place);
    };
    files.addEventListener("change", () => {
      addPictures([...files.files]);
      files.value = "";
    });
    BlogappPictures.accept(body, addPictures);

    // --- The cover: uploaded at once, or chosen from the latest pictures -------------------------------------------

    const [cover, coverFile, coverShown] = [field("cover"), byId("owner-cover-file"), byId("owner-cover-shown")];
    const coverFields = coverFile.closest("fieldset");
    const showCover = () => {
      const found = /^\/media\/[0-9a-f]{32}-(\d+)x(\d+)\.webp$/.exec(cover.value.trim());
      coverShown.hidden = !found;
      if (!found) return;
      [coverShown.width, coverShown.height] = [found[1], found[2]];
      coverShown.src = coverShown.dataset.root + found[0];
    };
    const setCover = ({ address, alt }) => {
      cover.value = address;
      field("cover_alt").value ||= alt;
      showCover();
      changed();
    };
    const addCover = ([chosen]) => BlogappPictures.upload(coverFields.querySelector(".uploads"), [chosen], setCover);
    coverFile.addEventListener("change", () => {
      addCover([...coverFile.files]);
      coverFile.value = ""; // so that no save sends the file again
    });
    cover.addEventListener("input", showCover);
    coverFields.addEventListener("click", (event) => {
      const button = event.target.closest("[name=cover_pick]");
      if (!button) return;
      event.preventDefault();
      setCover({ address: button.value, alt: button.dataset.alt });
    });
    BlogappPictures.accept(coverFields, addCover);

    const tools = {
      wrap: (button) => wrap(button.dataset.wrap),
      prefix: (button) => prefixLines(button.dataset.prefix),
      link: () => link("[", "https://"),
      picture: () => files.click(),
      code,
    };

    const toolbar = byId("owner-tools");
    toolbar.hidden = false;
    toolbar.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      const tool = Object.keys(tools).find((name) => button?.dataset[name] !== undefined);
      if (tool) tools[tool](button);
    });
    // One tab stop, and arrow keys between the buttons (ARIA Authoring Practices, toolbar).
    toolbar.addEventListener("keydown", (event) => {
      const buttons = [...toolbar.querySelectorAll("button")];
      const at = buttons.indexOf(document.activeElement);
      const isRtl = getComputedStyle(toolbar).direction === "rtl";
      const step = { ArrowRight: isRtl ? -1 : 1, ArrowLeft: isRtl ? 1 : -1 }[event.key];
      const next = { Home: 0, End: buttons.length - 1 }[event.key] ?? (step && (at + step + buttons.length) % buttons.length);
      if (at < 0 || next === undefined) return;
      event.preventDefault();
      buttons.forEach((button, number) => { button.tabIndex = number === next ? 0 : -1; });
      buttons[next].focus();
    });

    form.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      const isCommand = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
      const key = event.key.toLowerCase();
      if (isCommand && key === "s") {
        event.preventDefault();
        form.requestSubmit(byId("owner-save"));
      } else if (event.target === body && isCommand && ["b", "i", "k"].includes(key)) {
        event.preventDefault();
        if (key === "k") tools.link();
        else wrap(key === "b" ? "**" : "*");
      } else if (event.target === title && event.key === "Enter") {
        event.preventDefault();
        body.focus();
      }
    });

    for (const name of ["input", "change"]) {
      form.addEventListener(name, (event) => {
        // A change of a text field was already an input.
        const isText = event.target.matches("textarea, input:not([type=checkbox])");
        if (KEPT_FIELDS.includes(event.target.name) && (name === "input") === isText) changed();
      });
    }
    addEventListener("online", () => isUnsaved() && schedule(0));
    addEventListener("beforeunload", () => { isLeaving = true; });
    addEventListener("pagehide", () => keep());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState !== "hidden") return;
      keep();
      save();
    });

    grow();
    count();
    try {
      if (localStorage.getItem("blogapp:preview") && isWide()) preview.toggle(true, false);
    } catch {}
    if (form.dataset.dirty !== undefined) {
      // The server has returned this text without saving it; once it is saved, the copy here is not needed.
      const texts = [body.value, byId("owner-typed")?.value];
      for (const { key, values: kept } of entries()) if (texts.includes(kept.body)) oldKeys.add(key);
      markWrong(true);
    } else {
      offerKept();
    }
    // What was typed before this script had loaded.
    if (KEPT_FIELDS.some((name) => "defaultValue" in field(name) && field(name).value !== field(name).defaultValue)) changed();
  };

  const form = byId("owner-editor");
  if (form) start(form);
})();
