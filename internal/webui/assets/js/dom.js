// The only way to make elements. Children are nodes or strings. SECURITY: strings become text
// nodes, so a document's words can never become markup, and odd characters become marks.
import { pieces, plain } from "./text.js";

export const h = (name, attributes, ...children) => fill(document.createElement(name), attributes, children);

export const svg = (name, attributes, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

// An attribute that is a function listens; null, undefined and false leave the attribute out.
function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(key, value);
    else element.setAttribute(key, key === "href" ? value : plain(String(value)));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false).flatMap(nodes));
  return element;
}

function nodes(child) {
  if (child instanceof Node) return [child];
  return pieces(String(child)).map((part) => (part.odd ? mark(part.odd) : document.createTextNode(part)));
}

function mark(code) {
  const element = document.createElement("span");
  element.className = "odd";
  element.title = "A character that cannot be seen";
  element.textContent = code;
  return element;
}

export const $ = (selector, within = document) => within.querySelector(selector);

export const glyph = (name) => svg("svg", { "aria-hidden": "true" }, svg("use", { href: `#${name}` }));

export function setCurrent(element, current) {
  if (current) element.setAttribute("aria-current", "true");
  else element.removeAttribute("aria-current");
}

// onEnter acts at once and takes the key away: what it opens may get the focus before the key is
// let go, and must not be pressed by it.
export const onEnter = (act) => (event) => {
  if (event.key !== "Enter" || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  act();
};

// say tells a screen reader, politely, and once: a text that has not changed is not repeated.
export function say(text) {
  const status = $("#status");
  if (status.textContent !== text) status.textContent = text;
}

let fading;

// toast shows for a moment what a button has done.
export function toast(text) {
  const element = $("#toast");
  element.textContent = text;
  element.hidden = false;
  say(text);
  clearTimeout(fading);
  fading = setTimeout(() => { element.hidden = true; }, 2500);
}

export async function copy(text, done) {
  try {
    await navigator.clipboard.writeText(text);
    toast(done);
  } catch {
    toast("The browser did not allow copying");
  }
}
