// Theme: the system's choice unless the address or the button says otherwise.
const dark = matchMedia("(prefers-color-scheme: dark)");
const root = document.documentElement;

export function startTheme(button) {
  const current = () => root.dataset.theme ?? (dark.matches ? "dark" : "light");
  const show = () => button.setAttribute("aria-pressed", String(current() === "dark"));
  button.addEventListener("click", () => {
    root.dataset.theme = current() === "dark" ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
    show();
  });
  dark.addEventListener("change", show);
  show();
}
