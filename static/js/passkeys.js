// Passkeys (WebAuthn): sign in with one, and add one. The server sends its options as JSON, and gets the browser's
// answer as JSON in a field of the form. Binary values are base64url.
(() => {
  "use strict";

  const isAvailable = Boolean(window.PublicKeyCredential);
  let isPending = false; // the browser shows a dialog

  const toBytes = (text) =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));

  const toText = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replaceAll("=", "");

  const toJson = ({ id, type, response }) => {
    const names = ["clientDataJSON", "attestationObject", "authenticatorData", "signature"];
    const parts = names.filter((name) => response[name]).map((name) => [name, toText(response[name])]);
    return JSON.stringify({ id, rawId: id, type, response: Object.fromEntries(parts) });
  };

  const signIn = async (address) => {
    const answer = await fetch(address, { cache: "no-store" });
    const options = await answer.json();
    return navigator.credentials.get({ publicKey: { ...options, challenge: toBytes(options.challenge) } });
  };

  const create = (options) =>
    navigator.credentials.create({
      publicKey: {
        ...options,
        challenge: toBytes(options.challenge),
        user: { ...options.user, id: toBytes(options.user.id) },
        excludeCredentials: options.excludeCredentials.map((each) => ({ ...each, id: toBytes(each.id) })),
      },
    });

  // Ask the browser, and send the form with the answer. `submitter` is the button to send it with, if any.
  const send = async (form, field, ask, explain, submitter) => {
    const failure = form.querySelector(".form-failure");
    if (isPending) return;
    isPending = true;
    failure.textContent = "";
    try {
      field.value = toJson(await ask());
      form.requestSubmit(submitter);
      field.value = ""; // the form may be sent again, with a password
    } catch (error) {
      failure.textContent = explain(error);
    } finally {
      isPending = false;
    }
  };

  const begin = (form) => {
    const { dataset } = form.querySelector(".form-failure");
    const explain = (error) => (error.name === "InvalidStateError" ? dataset.exists : dataset.failed);
    send(form, form.elements.credential, () => create(JSON.parse(form.dataset.passkeyOptions)), explain);
  };

  const show = () => {
    if (!isAvailable) return;
    for (const each of document.querySelectorAll("[data-with-passkeys]")) each.hidden = false;
    for (const each of document.querySelectorAll("[data-without-passkeys]")) each.hidden = true;
    const form = document.querySelector("form[data-passkey-options]");
    if (!form || form.dataset.begun) return;
    form.dataset.begun = "true";
    begin(form);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-passkey-sign-in], [data-passkey-create]");
    if (!button) return;
    event.preventDefault();
    const { form, dataset } = button;
    if (!dataset.passkeySignIn) return begin(form);
    const field = form.querySelector("[name$=passkey]");
    send(form, field, () => signIn(dataset.passkeySignIn), () => dataset.failed, button);
  });

  // Also for a form that a script has inserted.
  document.addEventListener("htmx:after:process", show);
  document.addEventListener("htmx:after:settle", (event) => {
    // The pressed button was replaced with the section: focus its message, or its heading.
    if (!(event.detail.newContent ?? []).some((node) => node.id === "passkeys")) return;
    const heading = document.getElementById("passkeys-title");
    const message = document.querySelector("#passkeys [role=status]:not(:empty)");
    if ([document.body, heading].includes(document.activeElement)) (message ?? heading).focus();
  });
  show();
})();
