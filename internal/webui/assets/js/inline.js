// Inline markup of Markdown, shown as written but told apart: signs are dimmed, what stands between
// them is set bold or in mono. The text stays what it was, character for character.
import { h } from "./dom.js";

const marked = /\*\*([^*\n]+)\*\*|`([^`\n]+)`/g;
const sign = (text) => h("span", { class: "sign" }, text);

// inline returns the nodes of a piece of Markdown.
export function inline(text) {
  const nodes = [];
  let last = 0;
  for (const match of text.matchAll(marked)) {
    const [whole, bold, code] = match;
    nodes.push(text.slice(last, match.index));
    nodes.push(...(bold ? [sign("**"), h("strong", {}, bold), sign("**")] : [sign("`"), h("code", {}, code), sign("`")]));
    last = match.index + whole.length;
  }
  nodes.push(text.slice(last));
  return nodes;
}
