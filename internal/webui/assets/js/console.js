// What every page has: theme, palette, keys, dialogs that a click beside them closes.
import { $ } from "./dom.js";
import { startKeys } from "./keys.js";
import { startPalette } from "./palette.js";
import { startTheme } from "./theme.js";

startTheme($("#theme"));
startPalette($("#palette"), $("#palette-open"));
startKeys($("#keys"), $("#keys-open"));

for (const dialog of document.querySelectorAll("dialog")) {
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest(".close")) dialog.close();
  });
}
