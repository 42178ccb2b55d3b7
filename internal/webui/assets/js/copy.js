// What the tools under an answer put on the clipboard.
import { place } from "./format.js";
import { addressOf } from "./state.js";

const fenced = (text) => text.trim().split("\n").map((line) => `> ${line}`).join("\n");
const label = (text) => text.replace(/[\\`*_[\]<>]/g, "\\$&");

// markdown is the answer with its quotes, places, and permanent addresses pinned to a version.
export function markdown(question, answer) {
  const sentences = (answer.sentences ?? []).map(({ text, citations, verdict }) => {
    const marks = (citations ?? []).map((n) => `[${n}]`).join("");
    return `${text.trim()}${marks && ` ${marks}`}${["quoted", "supported"].includes(verdict) ? "" : ` (${verdict})`}`;
  });
  const sources = (answer.citations ?? []).map((one) => {
    const where = place(one.locator, { long: true });
    return `[${one.number}] [${label(one.title || one.uri)}](${location.origin}${addressOf(one)})${where && `, ${where}`}, version ${one.version}\n\n${fenced(one.quote)}`;
  });
  return [`**${label(question)}**`, sentences.join(" ") || answer.answer, ...sources].join("\n\n") + "\n";
}

// curl is the same request, for a shell.
export function curl(path, body) {
  const stream = path === "/v1/answers";
  const data = JSON.stringify(stream ? { ...body, stream: true } : body).replaceAll("'", `'\\''`);
  return `curl ${stream ? "-N " : ""}${location.origin}${path} -H 'content-type: application/json' -d '${data}'`;
}
