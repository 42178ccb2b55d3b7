// Filters: collections, kinds, and anything else as a filter in JSON. They stand in the fragment.
import { h } from "./dom.js";
import { count, kindName } from "./format.js";
import { read, write } from "./state.js";

const kinds = ["markdown", "text", "html", "code", "pdf", "table", "data"];
const list = (text) => (text ? text.split(",") : []);

export function startFilters({ sets, summary, details, changed }) {
  const wide = matchMedia("(width >= 80rem)");
  const fit = () => { details.open = wide.matches; };
  wide.addEventListener("change", fit);
  fit();

  const toggle = (key, name, on) => {
    const now = new Set(list(read()[key]));
    if (on) now.add(name);
    else now.delete(name);
    write({ [key]: [...now].join(",") });
    tell();
    changed();
  };
  const box = (key, name, words, n) => h("label", {},
    h("input", { type: "checkbox", checked: list(read()[key]).includes(name) ? "" : null, change: (event) => toggle(key, name, event.target.checked) }),
    h("span", {}, words), n !== undefined && h("span", {}, count(n)));
  const set = (words, ...children) => h("fieldset", {}, h("legend", {}, words), children);

  const field = (key, words, attributes) => h("input", {
    class: "field", "aria-label": words, value: read()[key] ?? null, autocomplete: "off", spellcheck: "false", ...attributes,
    change: (event) => {
      write({ [key]: event.target.value.trim() });
      tell();
      changed();
    },
  });

  const tell = () => {
    const state = read();
    const parts = [];
    const chosen = list(state.collection).length;
    if (chosen) parts.push(`${chosen} collection${chosen > 1 ? "s" : ""}`);
    if (state.kind) parts.push(list(state.kind).map(kindName).join(", "));
    if (state.f) parts.push("a filter");
    if (state.top_k) parts.push(`top ${state.top_k}`);
    summary.textContent = `Filters: ${parts.join(", ") || "none"}`;
  };

  return {
    tell,
    // draw shows the collections there are, with the documents in each.
    draw(collections) {
      sets.replaceChildren(
        set("Collection", collections.length > 0 ? collections.map(({ name, documents }) => box("collection", name, name, documents)) : h("p", { class: "quiet" }, "none yet")),
        set("Kind", kinds.map((kind) => box("kind", kind, kindName(kind)))),
        set("Filter", field("f", "Filter in JSON", { placeholder: '{"type":"eq",…}' })),
        set("Hits", field("top_k", "Number of hits", { type: "number", min: 1, max: 1000, placeholder: "10" })));
      tell();
    },
  };
}

// filterOf returns the filter that the fragment asks for. It throws what JSON.parse throws.
export function filterOf(state) {
  const parts = [];
  if (state.kind) parts.push({ type: "in", key: "kind", value: list(state.kind) });
  if (state.f) parts.push(JSON.parse(state.f));
  return parts.length > 1 ? { type: "and", filters: parts } : parts[0];
}

export const filtersIn = (state) => Boolean(state.collection || state.kind || state.f);
export const collectionsIn = (state) => list(state.collection);
