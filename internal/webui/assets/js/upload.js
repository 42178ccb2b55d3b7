// Upload: documents that were chosen or dropped become a collection, one request each; what became
// of each is said beside its name.
import * as api from "./api.js";
import { $, h } from "./dom.js";
import { plural } from "./format.js";
import { reasonWords } from "./reasons.js";

const collection = "main";

export function startUpload(done) {
  const input = h("input", { class: "unseen", type: "file", multiple: "", "aria-label": "Documents" });
  const list = h("ul", { class: "uploads" });
  const place = h("label", { class: "drop" },
    h("span", { class: "button main" }, "Choose documents"),
    h("span", { class: "small quiet" }, "or drop them here; they become the collection ", h("strong", {}, collection)), input);

  input.addEventListener("change", () => send([...input.files], list, done));
  place.addEventListener("dragover", (event) => {
    event.preventDefault();
    place.classList.add("over");
  });
  place.addEventListener("dragleave", () => place.classList.remove("over"));
  place.addEventListener("drop", async (event) => {
    event.preventDefault();
    place.classList.remove("over");
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    send(entries.length > 0 ? (await Promise.all(entries.map(filesIn))).flat() : [...event.dataTransfer.files], list, done);
  });
  return h("div", {}, place, list);
}

// filesIn returns the files of a dropped folder, each named by its way from there.
async function filesIn(entry) {
  if (entry.isFile) {
    const file = await new Promise((good, bad) => entry.file(good, bad));
    return [Object.assign(file, { way: entry.fullPath.slice(1) })];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((good, bad) => reader.readEntries(good, bad));
    if (some.length === 0) return found;
    found.push(...(await Promise.all(some.map(filesIn))).flat());
  }
}

async function send(files, list, done) {
  try {
    await api.createCollection(collection);
  } catch (failure) {
    if (failure.status !== 409) return list.replaceChildren(h("li", { role: "alert" }, `${failure.title}. ${failure.detail ?? ""}`));
  }
  let good = 0;
  for (const file of files) {
    const name = file.way || file.webkitRelativePath || file.name;
    const state = h("span", { class: "state" }, h("span", {}, "sending"));
    list.append(h("li", {}, h("span", { class: "uri" }, h("bdi", {}, name)), state));
    const tell = (kind, words) => {
      state.className = `state ${kind}`;
      state.firstElementChild.textContent = words;
    };
    try {
      const { result, reason, chunks } = await api.putDocument(collection, { uri: name, content_base64: await base64(file), media_type: file.type || undefined });
      if (result === "indexed" || result === "unchanged") good++;
      tell(result === "failed" ? "bad" : result === "skipped" ? "" : "good", reason ? `${result}: ${reasonWords(reason).title.toLowerCase()}` : `${result}${chunks ? `, ${plural(chunks, "chunk")}` : ""}`);
    } catch (failure) {
      tell("bad", failure.detail || failure.message);
    }
  }
  if (good > 0 && $(".uploads") === list) setTimeout(done, 600);
}

async function base64(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(text);
}
