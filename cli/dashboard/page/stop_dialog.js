/** Asks for the token, and asks a run to stop. */

import { ask, make } from "./elements.js";

/** The token, once it was right, until the page is left. */
let known = "";

/** Opens the dialog. */
export function askToStop(run) {
  const token = make("input", { type: "text", id: "token", value: known, autocomplete: "off", spellcheck: false });
  const told = make("p", { className: "hint", role: "status" });
  const close = make("button", { type: "button" }, "Close"),
    stop = make("button", { type: "submit", className: "stop" }, "Stop");
  const form = make(
    "form",
    { method: "dialog" },
    make("h2", {}, `Stop ${run}?`),
    make("p", {}, "It finishes its step and saves; train --resume goes on with it."),
    make("label", { for: "token" }, "The token that the dashboard's terminal printed: "),
    token,
    told,
    make("p", { className: "row" }, stop, close),
  );
  const dialog = make("dialog", {}, form);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await ask("api/stop", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ run, token: token.value }),
      });
      known = token.value;
      told.textContent = "The run was asked to stop.";
      stop.disabled = true;
      close.focus();
    } catch (error) {
      told.textContent = error.message;
    }
  });
  document.body.append(dialog);
  dialog.showModal();
}
