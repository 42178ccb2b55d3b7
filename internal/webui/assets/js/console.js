// What every page has: theme, palette, keys, dialogs that a click beside them closes.
import { $ } from "./dom.js";
import { startKeys } from "./keys.js";
import { startPalette } from "./palette.js";
import { startTheme } from "./theme.js";

startTheme($("#theme"));
startPalette($("#palette"), $("#palette-open"));
startKeys($("#keys"), $("#keys-open"));

// The fragment holds the page's state, so the skip link must not write there.
$(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  $("#main").focus();
});

for (const dialog of document.querySelectorAll("dialog")) {
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest(".close")) dialog.close();
  });
}
