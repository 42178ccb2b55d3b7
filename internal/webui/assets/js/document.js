// Document: one version by itself, at the span that the address names.
import { versions } from "./api.js";
import { $, copy, h, setCurrent } from "./dom.js";
import { count, fault, when } from "./format.js";
import { bind } from "./keys.js";
import { Reader } from "./reader.js";
import { read, write } from "./state.js";

const main = $("#main");
const id = decodeURIComponent(location.pathname.slice("/d/".length));
let all = [];
let shown = null; // the version's number

async function open() {
  const { v, b } = read();
  const [from, to] = /^(\d+)-(\d+)$/.exec(b ?? "")?.slice(1).map(Number) ?? [];
  const reader = new Reader({ id, version: v, heading: "h1" });
  const rail = h("nav", { class: "versions", "aria-label": "Versions" });
  const foot = h("footer", { class: "proof" });
  main.replaceChildren(rail, reader.element, foot);
  try {
    const known = await reader.describe();
    shown = known.version;
    document.title = `${known.title || known.uri} · Quarry`;
    if (to > from) await reader.showBytes(from, to);
    else await reader.show(null);
    tell(foot, reader, known, from, to);
    drawVersions(rail);
  } catch (failure) {
    main.replaceChildren(h("div", { class: "page" }, fault(failure, open)));
  }
}

function tell(foot, reader, known, from, to) {
  const link = h("button", { class: "button plain", type: "button", click: () => copy(location.href, "Address copied") }, "Copy the address");
  const what = to > from ? `bytes ${count(from)}–${count(to)}` : `${count(known.text_bytes)} bytes of text`;
  foot.replaceChildren(
    h("span", { class: known.gone ? "state warn" : "state good" }, h("span", {}, known.gone ? "An earlier version, kept" : "The current version")),
    h("span", { class: "bytes" }, `${what} · sha256 of the text ${known.text_sha256.slice(0, 8)}`), link);
}

async function drawVersions(rail) {
  try {
    const answer = await versions(id);
    all = (answer.data ?? answer).toSorted((a, b) => b.version - a.version);
  } catch {
    all = [];
  }
  rail.replaceChildren(
    h("h2", {}, "Versions"),
    h("ol", {}, all.map((one) => {
      const link = h("a", { href: `#v=${one.version}` }, h("span", {}, `Version ${one.version}`), h("span", { class: "quiet" }, when(one.created_at)));
      setCurrent(link, one.version === shown);
      return h("li", {}, link);
    })));
}

function turn(by) {
  const numbers = all.map((one) => one.version).sort((a, b) => a - b);
  const next = numbers[numbers.indexOf(shown) + by];
  if (next === undefined) return false;
  write({ v: String(next), b: "" }, { push: true });
  open();
  return true;
}

bind("[", "earlier version", () => turn(-1));
bind("]", "later version", () => turn(1));
bind("Escape", "back", () => history.length > 1 && history.back());
addEventListener("hashchange", open);
open();
