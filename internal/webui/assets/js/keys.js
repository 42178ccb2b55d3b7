// Keys: each page binds its own, with words; one dialog lists them all. Single keys rest while
// something is being typed or a dialog is open, and can be switched off.
import { $, h } from "./dom.js";

const bound = new Map();
const apple = /mac|iphone|ipad/i.test(navigator.platform);
export const command = apple ? "⌘" : "Ctrl ";

const typing = (target) => target.matches?.("input:not([type=radio], [type=checkbox]), select, textarea, [contenteditable]");
const allowed = () => localStorage.getItem("single-keys") !== "off";

// bind adds a key: bind("n", "next citation", next). An action that returns false did nothing.
export function bind(key, words, action) {
  bound.set(key, { words, action });
}

export function startKeys(dialog, opener) {
  const single = $("#single-keys", dialog);
  single.checked = allowed();
  single.addEventListener("change", () => localStorage.setItem("single-keys", single.checked ? "on" : "off"));

  const open = () => {
    const names = { Escape: "esc", Enter: "enter" };
    const rows = [...bound].map(([key, { words }]) => [names[key] ?? key, words]);
    rows.push([`${command}K`, "go to a page"]);
    $("dl", dialog).replaceChildren(...rows.map(([key, words]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, words))));
    dialog.showModal();
  };
  bind("?", "this list", open);
  opener.addEventListener("click", open);

  document.addEventListener("keydown", (event) => {
    if (event.metaKey || event.ctrlKey || event.altKey || event.isComposing) return;
    if ($("dialog[open]")) return;
    if (event.key !== "Escape" && (typing(event.target) || !allowed())) return;
    const binding = bound.get(event.key);
    if (binding && binding.action(event) !== false) event.preventDefault();
  });
}
