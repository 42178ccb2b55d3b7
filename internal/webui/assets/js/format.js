// Numbers, times and places, in words.
import { h } from "./dom.js";

const grouped = new Intl.NumberFormat("en");
export const count = (n) => grouped.format(n ?? 0);
export const plural = (n, word) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;
export const score = (n) => (n === undefined || n === null ? "–" : n.toFixed(Math.abs(n) >= 10 ? 2 : 4));

export function bytes(n) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let unit = 0;
  for (; n >= 1000 && unit < units.length - 1; unit++) n /= 1000;
  return `${unit && n < 100 ? n.toFixed(1) : Math.round(n)} ${units[unit]}`;
}

export function milliseconds(n) {
  return n >= 1000 ? `${(n / 1000).toFixed(1)} s` : n >= 10 ? `${Math.round(n)} ms` : `${n.toFixed(1)} ms`;
}

export function seconds(n) {
  if (n < 60) return `${Math.ceil(n)} s`;
  if (n < 3600) return `${Math.ceil(n / 60)} min`;
  return `${(n / 3600).toFixed(1)} h`;
}

// when says a time as shortly as it stays clear; the whole of it is the title.
export function when(time) {
  const then = new Date(time);
  const now = new Date();
  const day = then.toDateString();
  const yesterday = new Date(now.getTime() - 864e5).toDateString();
  const short =
    day === now.toDateString() ? then.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })
    : day === yesterday ? "yesterday"
    : then.toLocaleDateString("en-GB", { day: "numeric", month: "long", year: then.getFullYear() === now.getFullYear() ? undefined : "numeric" });
  return h("time", { datetime: then.toISOString(), title: then.toLocaleString("en-GB") }, short);
}

const kinds = { markdown: "Markdown", text: "text", html: "HTML", code: "code", pdf: "PDF", table: "table", data: "data" };
export const kindName = (kind) => kinds[kind] ?? kind;

const range = (one, many, from, to) => (to && to !== from ? `${many} ${from}–${to}` : `${one} ${from}`);

// place is a locator in words: "p. 12–13", "lines 38–52 · Promote", "Install › From source".
export function place(locator = {}, { long = false } = {}) {
  const said = [];
  if (locator.page) said.push(range(long ? "page" : "p.", long ? "pages" : "p.", locator.page, locator.page_end));
  else if (locator.line_start) said.push(range("line", "lines", locator.line_start, locator.line_end));
  if (locator.symbol) said.push(locator.symbol);
  if (locator.heading_path?.length) said.push(locator.heading_path.join(" › "));
  return said.join(" · ");
}

// trail writes the way to a document: from the folder that was ingested, if that is known.
export const trail = ({ uri = "", attributes }) =>
  (typeof attributes?.path === "string" ? attributes.path : uri.replace(/^file:\/\//, "")).split("/").filter(Boolean).join(" › ");

export const verdictWords = {
  quoted: "Quoted, byte for byte",
  supported: "Supported by this quote",
  partial: "Supported in part by this quote",
  unsupported: "Not supported by this quote",
  uncited: "No citation",
};

// fault shows a failure where the missing thing would be.
export function fault(failure, again) {
  return h("div", { class: "notice fault", role: "alert" },
    h("span", { class: "state bad" }, h("span", {}, failure.title)),
    h("div", { class: "grow" },
      failure.detail && failure.detail !== failure.title && h("p", {}, failure.detail),
      failure.errors?.length > 0 && h("ul", {}, failure.errors.map((e) => h("li", {}, h("code", {}, e.pointer || "request"), ` ${e.message}`))),
      failure.requestID && h("p", { class: "quiet" }, "request ", h("code", {}, failure.requestID))),
    again && h("button", { class: "button", type: "button", click: again }, "Try again"));
}

// bars hold a place of known height while something loads.
export const bars = (n) => h("div", { class: "bars", "aria-hidden": "true" }, Array.from({ length: n }, () => h("i")));
