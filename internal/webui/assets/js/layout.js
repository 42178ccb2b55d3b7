// Layout divides stored text into blocks to be set one under the other: lines of code, paragraphs,
// headings, list items. Invariant: the blocks join to the text, so that offsets stay true; nothing
// is rendered, markup stays as it was written.

const mono = new Set(["code", "table", "data"]);
const heading = /^#{1,6}\s/;
const fence = /^\s*(```|~~~)/;
const item = /^\s*([-*+•]|\d+[.)])\s/;
const drawn = /^\s*\||^(\t| {4})\s*\S|\S {3,}\S|\S\t/; // tables and what was aligned by hand

const wrapped = 300; // a longer line was not broken by hand, and is a paragraph by itself

// blocksOf returns [{type, start, end, at, page}]: type is line, paragraph, item or heading; start
// and end are indexes of text; at is the locator to print beside it; page says that a page begins.
// pages holds the indexes at which pages begin.
export function blocksOf(text, { kind, lines, firstLine, pages = [] }) {
  const starts = new Map(pages.map(({ index, page }) => [index, page]));
  const blocks = [];
  let line = firstLine;
  let fenced = false;
  let blank = true;

  for (const [start, end] of cuts(text, starts)) {
    const words = text.slice(start, end);
    const page = starts.get(start);
    const edge = fence.test(words);
    const type = mono.has(kind) || fenced || edge ? "line" : typeOf(words);
    if (edge) fenced = !fenced;
    const last = blocks.at(-1);
    const flows = type === "blank" ? last : type === "paragraph" && !blank && words.length < wrapped && ["paragraph", "item"].includes(last?.type) && last;
    if (flows && page === undefined) last.end = end;
    else blocks.push({ type: type === "blank" ? "paragraph" : type, start, end, page: page !== undefined, at: page !== undefined ? `p. ${page}` : lines ? String(line) : "" });
    blank = type === "blank";
    if (words.endsWith("\n")) line++;
  }
  return blocks;
}

function typeOf(words) {
  if (words.trim() === "") return "blank";
  if (heading.test(words)) return "heading";
  if (item.test(words)) return "item";
  return drawn.test(words) ? "line" : "paragraph";
}

// cuts yields the lines of text, each with its line end, cut also where a page begins.
function* cuts(text, starts) {
  const inner = [...starts.keys()].sort((a, b) => a - b);
  for (let start = 0; start < text.length;) {
    while (inner[0] <= start) inner.shift();
    const newline = text.indexOf("\n", start);
    const end = Math.min(newline < 0 ? text.length : newline + 1, inner[0] ?? text.length);
    yield [start, end];
    start = end;
  }
}
