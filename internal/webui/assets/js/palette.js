// Palette: every page by name. On a narrow screen it is also the menu.
import { $, h } from "./dom.js";
import { command } from "./keys.js";

export function startPalette(dialog, opener) {
  const input = $("input", dialog);
  const list = $("ul", dialog);
  const goals = [...document.querySelectorAll(".pages a")].map((a) => ({ name: a.textContent, href: a.getAttribute("href") }));
  for (const kbd of document.querySelectorAll("[data-command]")) kbd.textContent = command + kbd.dataset.command;

  const show = () => {
    const words = input.value.trim().toLowerCase();
    const found = goals.filter((goal) => goal.name.toLowerCase().includes(words));
    list.replaceChildren(...found.map((goal, i) => h("li", {}, h("a", { href: goal.href, class: i === 0 && "first" }, goal.name))));
    if (found.length === 0) list.append(h("li", { class: "quiet" }, "No page of that name"));
  };
  const open = () => {
    input.value = "";
    show();
    if (!dialog.open) dialog.showModal();
  };

  input.addEventListener("input", show);
  opener.addEventListener("click", open);
  dialog.addEventListener("submit", (event) => {
    event.preventDefault();
    $("a", list)?.click();
  });
  list.addEventListener("click", () => dialog.close());
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.metaKey || event.ctrlKey)) return;
    event.preventDefault();
    open();
  });
}
