// Collections: what is in each, how far its vectors are, and its documents.
import * as api from "./api.js";
import { $, h, setCurrent } from "./dom.js";
import { bars, bytes, count, fault, kindName, plural, when } from "./format.js";
import { bind } from "./keys.js";

const main = $("#main");
const chosen = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const list = h("section", { "aria-label": "All collections" });
const inside = h("section", { "aria-labelledby": "documents-title" });
let documents = [];

async function start() {
  main.replaceChildren(
    h("header", { class: "page-head" }, h("div", {}, h("h1", {}, chosen || "Collections"), h("p", {}, "Documents under one embedding model. Found by keyword at once, by meaning when their vectors are ready."))),
    list, inside);
  list.replaceChildren(bars(4));
  try {
    const { data } = await api.collections();
    const all = await Promise.all(data.map(async (one) => ({ ...one, stats: await api.collectionStats(one.name) })));
    draw(all);
    const name = chosen || (all.length === 1 ? all[0].name : "");
    if (name) await open(name);
  } catch (failure) {
    list.replaceChildren(fault(failure, start));
  }
}

function draw(all) {
  if (all.length === 0) {
    list.replaceChildren(h("div", { class: "block nothing" }, h("h2", {}, "No collections yet"), h("p", { class: "quiet" }, "The first begins with the first ", h("a", { href: "/" }, "document"), ".")));
    return;
  }
  const head = [["Collection"], ["Documents", "number"], ["Chunks", "number"], ["With vectors", "number rest"], ["Text", "number rest"], ["Index", "number rest"], ["Seq", "number rest"]];
  list.replaceChildren(h("div", { class: "block scroll-x" }, h("table", { class: "sheet" },
    h("thead", {}, h("tr", {}, head.map(([words, name]) => h("th", { scope: "col", class: name }, words)))),
    h("tbody", {}, all.map(row)))));
}

function row({ name, description, stats }) {
  const late = stats.seq - stats.applied;
  const element = h("tr", {},
    h("td", {}, h("a", { href: `/collections/${encodeURIComponent(name)}`, "data-row": name }, name), description && h("small", { class: "quiet" }, ` ${description}`)),
    h("td", { class: "number" }, count(stats.documents)), h("td", { class: "number" }, count(stats.chunks)),
    h("td", { class: "number rest" }, stats.embedded < stats.chunks ? h("span", { class: "state warn" }, h("span", {}, `${count(stats.embedded)} of ${count(stats.chunks)}`)) : "all"),
    h("td", { class: "number rest" }, bytes(stats.text_bytes)), h("td", { class: "number rest" }, `${bytes(stats.index.memory_bytes)} in memory`),
    h("td", { class: "number rest" }, late > 0 ? `${count(stats.applied)}, ${count(late)} behind` : count(stats.seq)));
  setCurrent(element, name === chosen);
  return element;
}

async function open(name, after) {
  if (!after) inside.replaceChildren(bars(6));
  try {
    const page = await api.documents(name, after);
    documents = after ? [...documents, ...page.data] : page.data;
    drawDocuments(name, page.next);
  } catch (failure) {
    inside.replaceChildren(fault(failure, () => open(name)));
  }
}

function drawDocuments(name, next) {
  const head = [["Document"], ["Kind"], ["Version", "number rest"], ["Chunks", "number rest"], ["Size", "number rest"], ["Updated", "number rest"]];
  inside.replaceChildren(h("div", { class: "block" },
    h("header", { class: "block-head" }, h("h2", { id: "documents-title" }, name, " ", h("span", { class: "quiet" }, `${next ? "first " : ""}${plural(documents.length, "document")}`)), h("a", { class: "small", href: `/#collection=${encodeURIComponent(name)}` }, "Ask this collection")),
    documents.length === 0 ? h("p", { class: "nothing quiet" }, "It is empty.") : h("div", { class: "scroll-x" }, h("table", { class: "sheet" },
      h("thead", {}, h("tr", {}, head.map(([words, mark]) => h("th", { scope: "col", class: mark }, words)))),
      h("tbody", {}, documents.map((one) => h("tr", {},
        h("td", {}, h("a", { href: `/d/${encodeURIComponent(one.id)}`, "data-row": one.id }, h("bdi", {}, one.title || one.uri)), h("small", { class: "uri quiet" }, h("bdi", {}, one.uri))),
        h("td", {}, h("span", { class: "tag" }, kindName(one.kind))), h("td", { class: "number rest" }, String(one.version)),
        h("td", { class: "number rest" }, count(one.chunks)), h("td", { class: "number rest" }, bytes(one.size_bytes)), h("td", { class: "number rest" }, when(one.updated_at)))))))),
  next ? h("button", { class: "button more", type: "button", click: () => open(name, next) }, "More documents") : "");
}

function move(by) {
  const links = [...main.querySelectorAll("[data-row]")];
  const at = links.indexOf(document.activeElement);
  links[Math.max(0, Math.min(at + by, links.length - 1))]?.focus();
  return links.length > 0;
}

bind("j", "next row", () => move(1));
bind("k", "previous row", () => move(-1));
bind("Enter", "open the row", () => false);
bind("/", "to the question", () => location.assign("/"));
start();
