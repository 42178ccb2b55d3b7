// The answer as it comes: sentences, each with the chips of its citations and a verdict. Words are
// only ever appended; what stands, stays.
import { $, glyph, h } from "./dom.js";
import { dedent } from "./excerpt.js";
import { bars } from "./format.js";
import { inline } from "./inline.js";

const order = ["quoted", "supported", "partial", "unsupported", "uncited"];
const marks = /(\s*\[\d+\])+\s*$/;
const numbersIn = (text) => (marks.exec(text)?.[0].match(/\d+/g) ?? []).map(Number);

export class AnswerView {
  constructor({ article, citations, tools }) {
    Object.assign(this, { article, citations, tools });
    this.legend = h("ul", { class: "verdicts", "aria-label": "Verdicts, by sentence" });
    this.text = h("div", { class: "answer-text" });
    this.toolbar = h("div", { class: "tools" });
  }

  start() {
    this.sentences = [];
    this.full = null;
    this.legend.hidden = false;
    this.legend.replaceChildren();
    this.text.replaceChildren(bars(4));
    this.toolbar.replaceChildren();
    this.article.setAttribute("aria-busy", "true");
    this.article.hidden = false;
    this.article.replaceChildren(this.legend, this.text, this.toolbar);
    // An extractive answer is made of the documents' own words, and is set as they are.
    this.text.classList.toggle("verbatim", document.documentElement.dataset.generator === "extractive");
  }

  stop() {
    this.article.setAttribute("aria-busy", "false");
    if (this.sentences?.length === 0 && !this.full) this.article.hidden = true;
  }

  delta(words) {
    let sentence = this.sentences.at(-1);
    if (!sentence || sentence.verdict) sentence = this.#open(words);
    sentence.raw += words;
    this.#draw(sentence);
  }

  citation(citation) {
    this.citations.add(citation);
    const sentence = this.sentences.at(-1);
    if (!sentence || sentence.verdict) return;
    sentence.numbers.add(citation.number);
    this.#draw(sentence);
  }

  verdict({ index, verdict, citations }) {
    const sentence = this.sentences[index];
    if (!sentence) return;
    sentence.verdict = verdict;
    sentence.numbers = new Set(citations ?? []);
    this.#draw(sentence);
    this.#count();
  }

  // done compares what came in pieces with the whole, which counts.
  done(answer) {
    this.full = answer;
    this.text.classList.toggle("verbatim", answer.generator === "extractive");
    for (const citation of answer.citations ?? []) this.citations.add(citation);
    const whole = answer.sentences ?? [];
    const same = whole.length === this.sentences.length && whole.every((sentence, i) => this.#equals(this.sentences[i], sentence));
    if (!same) {
      this.sentences = [];
      this.text.replaceChildren();
      for (const { text, verdict, citations } of whole) {
        const sentence = this.#open(text.includes("\n") ? "\n\n" : "");
        Object.assign(sentence, { raw: text, verdict, numbers: new Set(citations ?? []) });
        this.#draw(sentence);
      }
    }
    this.#count();
    this.toolbar.replaceChildren(...this.tools(answer));
    this.article.setAttribute("aria-busy", "false");
  }

  // abstain says in plain words that there is no answer, and what could be tried.
  abstain(answer, { searched, ways }) {
    this.full = answer;
    this.legend.hidden = true;
    this.text.classList.remove("verbatim");
    this.text.replaceChildren(h("div", { class: "abstained" },
      h("p", {}, h("strong", {}, "No passage answers this.")),
      h("p", { class: "quiet" }, (answer.answer ?? "").replace(/^No passage answers this[.:]\s*/, "") || "The nearest hits stand below."),
      h("p", { class: "small quiet" }, searched),
      ways.length > 0 && h("div", { class: "ways-out" }, ways.map(([words, act]) => h("button", { class: "button", type: "button", click: act }, words)))));
    this.toolbar.replaceChildren(...this.tools(answer));
    this.article.setAttribute("aria-busy", "false");
  }

  summary() {
    const counts = this.#counts();
    return order.filter((verdict) => counts[verdict]).map((verdict) => `${counts[verdict]} ${verdict}`).join(", ");
  }

  // A sentence opens a paragraph where there is none, or where an empty line stands before it.
  #open(words = "") {
    if (this.sentences.length === 0) this.text.replaceChildren();
    if (this.sentences.length === 0 || /^\s*\n\s*\n/.test(words)) this.text.append(h("p", { dir: "auto" }));
    const sentence = { raw: "", verdict: null, numbers: new Set(), element: h("span", { class: "sentence", tabindex: "-1" }), chips: h("span", { class: "chips" }) };
    if (this.text.lastElementChild.hasChildNodes()) this.text.lastElementChild.append(" ");
    this.text.lastElementChild.append(sentence.element, sentence.chips);
    this.sentences.push(sentence);
    return sentence;
  }

  #words(sentence) {
    return this.#unmarked(sentence).trim();
  }

  #unmarked(sentence) {
    return sentence.raw.replace(marks, (found) => (numbersIn(found).every((n) => this.citations.known.has(n) || !sentence.verdict) ? "" : found));
  }

  #draw(sentence) {
    const numbers = new Set([...numbersIn(sentence.raw).filter((n) => this.citations.known.has(n)), ...sentence.numbers]);
    const kinds = [...numbers].map((n) => this.citations.known.get(n)?.kind);
    const code = kinds.some((kind) => ["code", "data", "table"].includes(kind));
    const words = code ? dedent(this.#unmarked(sentence).replace(/^(\s*\n)+|\s+$/g, "")) : this.#words(sentence);
    sentence.element.replaceChildren(...h("span", {}, kinds.includes("markdown") ? inline(words) : words).childNodes);
    sentence.element.className = `sentence ${sentence.verdict ?? ""}${code ? " code" : /\n\s*(\[\d+\])?\s*$/.test(sentence.raw) ? " lines" : ""}`;
    const chips = [...numbers].map((n) => this.citations.chip(n, sentence.verdict)).filter(Boolean);
    if (sentence.verdict === "uncited") chips.push(h("span", { class: "cite none" }, "uncited"));
    sentence.chips.replaceChildren(...chips.flatMap((chip) => ["\u00a0", chip]));
  }

  #equals(mine, theirs) {
    return mine.verdict === theirs.verdict && this.#words(mine) === theirs.text.replace(marks, "").trim()
      && [...mine.numbers].join() === (theirs.citations ?? []).join();
  }

  #counts() {
    const counts = {};
    for (const { verdict } of this.sentences ?? []) if (verdict) counts[verdict] = (counts[verdict] ?? 0) + 1;
    return counts;
  }

  // The counts are the legend; each jumps to the next of its sentences.
  #count() {
    const counts = this.#counts();
    this.legend.replaceChildren(...order.filter((verdict) => counts[verdict]).map((verdict) =>
      h("li", {}, h("button", { class: "count", type: "button", click: () => this.#jump(verdict) },
        h("span", { class: `cite ${verdict === "uncited" ? "none" : verdict}`, "aria-hidden": "true" }, glyph(verdict)), `${counts[verdict]} ${verdict}`))));
  }

  #jump(verdict) {
    const all = this.sentences.filter((sentence) => sentence.verdict === verdict);
    const at = all.findIndex((sentence) => sentence.element === document.activeElement);
    const next = all[(at + 1) % all.length];
    next.element.focus();
    const chip = $("a.cite", next.chips);
    if (chip) this.citations.show(Number(chip.dataset.cite), { quietly: true });
  }
}
