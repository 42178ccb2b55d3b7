// An excerpt of a hit: where most words of the query stand, those words in bold. It only helps the
// eye; evidence is cut by stored offsets, in reader.js.
import { h } from "./dom.js";

const escaped = (word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
const dull = new Set("a an and are as at be by can do does for from has have how i if in is it its not of on or our s should that the their there this to was we what when where which who why will with you your".split(" "));

function matcher(query) {
  const words = (query.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? []).filter((word) => word.length > 1 && !dull.has(word));
  if (words.length === 0) return null;
  return new RegExp(`(?<![\\p{L}\\p{N}_])(?:${words.map((word) => escaped(stem(word))).join("|")})[\\p{L}\\p{N}_]{0,3}`, "giu");
}

const stem = (word) => (word.length > 4 ? word.replace(/(?:ies|es|s|ing|ed|e|y)$/u, "") : word);

// excerpt returns the nodes of at most room characters of text.
export function excerpt(text, query, room = 260) {
  const found = matcher(query);
  const hits = found ? [...text.matchAll(found)].map((match) => match.index) : [];
  let from = 0;
  if (text.length > room && hits.length > 0) {
    const within = (start) => hits.filter((at) => at >= start && at < start + room * 0.8).length;
    const best = hits.reduce((one, other) => (within(other) > within(one) ? other : one));
    from = Math.max(0, best - 60);
    if (from > 0) from = Math.max(from, text.indexOf(" ", from) + 1 || from);
    if (from > best) from = best;
  }
  const to = Math.min(text.length, from + room);
  const words = text.slice(from, to).trimEnd();
  const parts = [];
  let last = 0;
  for (const match of found ? words.matchAll(found) : []) {
    parts.push(words.slice(last, match.index), h("b", {}, match[0]));
    last = match.index + match[0].length;
  }
  parts.push(words.slice(last));
  return [from > 0 && "…", ...parts, to < text.length && "…"];
}

// codeExcerpt takes whole lines: those around the first that holds a word of the query.
export function codeExcerpt(text, query) {
  const found = matcher(query);
  const lines = text.replace(/\s+$/, "").split("\n");
  const at = Math.max(0, found ? lines.findIndex((line) => line.search(found) >= 0) : 0);
  return excerpt(dedent(lines.slice(at, at + 3).join("\n")), query, 600);
}

// dedent takes from every line the white space that all of them begin with.
export function dedent(text) {
  const lines = text.split("\n");
  const indents = lines.filter((line) => line.trim()).map((line) => /^\s*/.exec(line)[0].length);
  const indent = indents.length > 0 ? Math.min(...indents) : 0;
  return lines.map((line) => line.slice(indent)).join("\n");
}
