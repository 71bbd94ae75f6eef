// Upload pictures with a progress bar: in the library of pictures, and in a text (`data-uploads` on the textarea), where
// pictures can also be pasted and dropped. Without it, the library's form uploads them. The form for the logo sends its
// picture itself; pasted and dropped ones are put into its field.
//
// One request for each picture, so that a picture that is refused or interrupted does not stop the others.
(() => {
  "use strict";

  const TIMEOUT = 300_000;

  const row = (list, file) => {
    const line = document.createElement("p");
    const name = document.createElement("bdi");
    const progress = document.createElement("progress");
    name.textContent = file.name;
    progress.max = 1;
    progress.setAttribute("aria-label", file.name);
    line.append(name, " ", progress);
    list.append(line);
    return {
      at: (part) => { progress.value = part; },
      // The server may still be encoding: the bar has no value then.
      sent: () => progress.removeAttribute("value"),
      done: () => line.remove(),
      failed: (sentence) => {
        progress.remove();
        line.className = "field-error";
        line.append(sentence);
      },
    };
  };

  const send = (list, file) => new Promise((resolve) => {
    const { uploads, uploadFailed, uploadTooLarge, uploadSignedOut } = list.dataset;
    const shown = row(list, file);
    const request = new XMLHttpRequest(); // fetch cannot report the progress of an upload
    const fail = (sentence) => {
      shown.failed(sentence);
      resolve(null);
    };
    request.open("POST", uploads);
    request.setRequestHeader("Accept", "application/json");
    request.timeout = TIMEOUT;
    request.upload.addEventListener("progress", (event) => shown.at(event.loaded / event.total));
    request.upload.addEventListener("load", () => shown.sent());
    for (const name of ["error", "timeout", "abort"]) request.addEventListener(name, () => fail(uploadFailed));
    request.addEventListener("load", () => {
      let answer = null;
      try {
        answer = JSON.parse(request.responseText);
      } catch {}
      if (answer?.stored?.length) {
        shown.done();
        resolve(answer.stored[0]);
      } else if (answer?.refused?.length) fail(answer.refused[0].error);
      else fail({ 401: uploadSignedOut, 413: uploadTooLarge }[request.status] ?? uploadFailed);
    });
    const body = new FormData();
    body.append("pictures", file);
    request.send(body);
  });

  // Uploads the files one after the other; `onStored` is called for each that was stored. Returns their number.
  const upload = async (list, files, onStored) => {
    let count = 0;
    for (const line of list.querySelectorAll(".field-error")) line.remove();
    for (const file of files) {
      const stored = await send(list, file);
      if (!stored) continue;
      count += 1;
      onStored?.(stored);
    }
    return count;
  };

  const picturesIn = (transfer) => [...(transfer?.files ?? [])].filter((file) => file.type.startsWith("image/"));

  // Calls `take` with the pictures that are dropped on an element, or pasted into it.
  const accept = (element, take) => {
    for (const name of ["dragover", "drop", "paste"]) {
      element.addEventListener(name, (event) => {
        const transfer = event.dataTransfer ?? event.clipboardData;
        if (name === "dragover") {
          if ([...transfer.items].some((item) => item.kind === "file")) event.preventDefault();
          return;
        }
        // Office programs put a picture of the text beside the text.
        if (name === "paste" && transfer.types.includes("text/plain")) return;
        const files = picturesIn(transfer);
        if (!files.length) return;
        event.preventDefault();
        take(files);
      });
    }
  };

  // The new pictures are on the server's page. A reload would remove the errors of others, which are shown in the form.
  const showStored = async () => {
    try {
      const answer = await fetch(location.pathname);
      const list = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("library");
      if (list) document.getElementById("library").replaceWith(list);
    } catch {} // offline: the list is shown when the page is loaded again
  };

  const library = (form) => {
    const list = form.querySelector(".uploads");
    const input = form.elements.pictures;
    const take = async (files) => {
      const status = document.getElementById("status");
      status.textContent = "";
      const count = await upload(list, files);
      input.value = "";
      if (!count) return;
      await showStored();
      status.textContent = BlogappWords.counted(form.dataset.stored, count);
    };
    form.addEventListener("submit", (event) => {
      if (!input.files.length) return;
      event.preventDefault();
      take([...input.files]);
    });
    accept(form, take);
  };

  const logo = (form) => accept(form, ([file]) => {
    const chosen = new DataTransfer();
    chosen.items.add(file);
    form.elements.picture.files = chosen.files;
  });

  window.BlogappPictures = { upload, accept };
  document.addEventListener("DOMContentLoaded", () => {
    for (const form of document.querySelectorAll("form.picture-upload")) (form.elements.pictures ? library : logo)(form);
  });
})();
