// Reader shows one version of a document by windows of its text, and marks spans in it. A span is
// cut by its stored offsets, in code points; nothing is ever searched for.
import { textAt, documentAt } from "./api.js";
import { h } from "./dom.js";
import { bars, bytes, count, fault, kindName, trail, when } from "./format.js";
import { inline } from "./inline.js";
import { blocksOf } from "./layout.js";
import { addressOf } from "./state.js";
import { indexOfByte, indexOfChar } from "./text.js";

const before = 12_000; // bytes shown around a span
const after = 24_000;

const covers = (window, span) => window && window.span.byte_start <= span.byte_start && span.byte_end <= window.span.byte_end;

export class Reader {
  // spans: [{key, span, quote}] are underlined wherever they stand in the window; one is shown.
  constructor({ id, version, title, uri, heading = "h2" }) {
    Object.assign(this, { id, version, heading, spans: [], shown: null, window: null });
    this.head = h("header", {}, h("p", { class: "small quiet trail" }, h("bdi", {}, trail({ uri }))), h(heading, {}, h("bdi", {}, title ?? "")), h("dl", { class: "facts" }));
    this.body = h("div", { class: "text" });
    this.element = h("article", { class: "document", tabindex: "0", "aria-label": title ?? "Document" }, this.head, this.body);
  }

  // describe fills the head once it is known.
  async describe() {
    this.document ??= documentAt(this.id, this.version);
    const known = await this.document;
    this.version = known.version;
    const facts = [["Version", `${known.version}${known.gone ? ", replaced or deleted" : ", current"}`], ["Kind", kindName(known.kind) + (known.kind === "code" && known.language ? `, ${known.language}` : "")]];
    if (known.pages) facts.push(["Pages", count(known.pages)]);
    facts.push(["Updated", when(known.modified_at ?? known.updated_at)], ["Size", bytes(known.size_bytes)]);
    this.element.setAttribute("aria-label", known.title || known.uri);
    this.head.replaceChildren(
      h("p", { class: "small quiet trail" }, h("bdi", {}, `${known.collection} › ${trail(known)}`)),
      h(this.heading, {}, h("bdi", {}, known.title || known.uri)),
      h("dl", { class: "facts" }, facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))));
    return known;
  }

  // show brings the span named by key into the window and into view. It answers whether the text
  // there is the quote.
  async show(key) {
    const target = this.spans.find((one) => one.key === key);
    this.shown = key;
    try {
      await Promise.all([this.describe(), this.#load(target?.span ?? { byte_start: 0, byte_end: 0 })]);
    } catch (failure) {
      this.window = null;
      this.document = undefined;
      this.body.replaceChildren(fault(failure, () => this.show(key)));
      return null;
    }
    if (this.shown !== key) return null;
    this.#render();
    if (!target) return null;
    this.#reveal();
    return target.quote === undefined || this.#words(target.span) === target.quote;
  }

  // showBytes shows a range that is known by its bytes only, as an address names it.
  async showBytes(from, to) {
    await this.#load({ byte_start: from, byte_end: to });
    const { text, span } = this.window;
    const chars = (byte) => span.char_start + [...text.slice(0, indexOfByte(text, byte - span.byte_start))].length;
    this.add({ key: "address", span: { byte_start: from, byte_end: to, char_start: chars(from), char_end: chars(to) } });
    return this.show("address");
  }

  // add tells of spans to mark from now on; a key that is known keeps its span.
  add(...spans) {
    for (const one of spans) if (!this.spans.some((known) => known.key === one.key)) this.spans.push(one);
    if (this.window) this.#render();
  }

  unmark() {
    this.shown = null;
    if (this.window) this.#render();
  }

  async #load(span) {
    if (covers(this.window, span)) return;
    const waiting = setTimeout(() => this.body.replaceChildren(bars(12)), 150);
    try {
      this.window = await textAt(this.id, this.version, Math.max(0, span.byte_start - before), span.byte_end + after);
    } finally {
      clearTimeout(waiting);
    }
  }

  // more adds the text before or after the window, and keeps what is being read where it stands.
  async more(earlier) {
    const { span, text, text_bytes: total } = this.window;
    const from = earlier ? Math.max(0, span.byte_start - after) : span.byte_end;
    const to = earlier ? span.byte_start : Math.min(total, span.byte_end + after);
    const added = await textAt(this.id, this.version, from, to);
    const height = this.element.scrollHeight;
    const [first, second] = earlier ? [added, this.window] : [this.window, added];
    const pages = [...(first.pages ?? []), ...(second.pages ?? [])];
    this.window = {
      ...first,
      text: earlier ? added.text + text : text + added.text,
      span: { ...second.span, byte_start: first.span.byte_start, char_start: first.span.char_start },
      pages: pages.filter((one, i) => pages.findIndex((other) => other.page === one.page) === i),
    };
    this.#render();
    if (earlier) this.element.scrollTop += this.element.scrollHeight - height;
  }

  #indexes({ char_start: start, char_end: end }) {
    const origin = this.window.span.char_start;
    return [indexOfChar(this.window.text, Math.max(0, start - origin)), indexOfChar(this.window.text, Math.max(0, end - origin))];
  }

  #words(span) {
    return this.window.text.slice(...this.#indexes(span));
  }

  #render() {
    const { text, span, text_bytes: total, line_start: firstLine, has_lines: lines, pages = [] } = this.window;
    const marks = this.spans
      .filter((one) => one.span.char_end > span.char_start && one.span.char_start < span.char_end)
      .map(({ key, span: at }) => ({ key, range: this.#indexes(at) }));
    this.document.then((known) => {
      const starts = pages.map(({ page, byte_start: at }) => ({ page, index: indexOfByte(text, Math.max(0, at - span.byte_start)) }));
      const blocks = blocksOf(text, { kind: known.kind, lines, firstLine, pages: starts });
      const code = blocks.length > 0 && blocks.every((block) => block.type === "line");
      this.body.className = code ? "text code" : "text";
      this.body.classList.toggle("wrap", longest(text) > 400);
      const parts = blocks.flatMap((block, i) => this.#block(block, text, marks, i > 0, known.kind === "markdown"));
      this.body.replaceChildren(
        ...(span.byte_start > 0 ? [this.#moreButton(true, `Earlier text: ${bytes(span.byte_start)} more`)] : []),
        ...parts,
        ...(span.byte_end < total ? [this.#moreButton(false, `Later text: ${bytes(total - span.byte_end)} more`)] : []));
    });
  }

  #moreButton(earlier, words) {
    const press = (event) => {
      event.target.disabled = true;
      this.more(earlier).catch((failure) => event.target.replaceWith(fault(failure, () => this.#render())));
    };
    return h("button", { class: "button more", type: "button", click: press }, words);
  }

  #block({ type, start, end, at, page }, text, marks, inner, markdown) {
    const name = { heading: "h3", line: "div" }[type] ?? "p";
    const cuts = new Set([start, end]);
    const sign = type === "heading" ? start + /^#*\s*/.exec(text.slice(start, end))[0].length : start;
    cuts.add(sign);
    const here = marks.filter(({ range: [from, to] }) => from < end && to > start);
    for (const { range } of here) for (const edge of range) if (edge > start && edge < end) cuts.add(edge);
    const edges = [...cuts].sort((a, b) => a - b);
    const children = edges.slice(1).map((to, i) => {
      const raw = text.slice(edges[i], to);
      const words = markdown && type !== "line" ? inline(raw) : raw;
      const keys = here.filter(({ range }) => range[0] <= edges[i] && to <= range[1]).map(({ key }) => key);
      if (keys.length === 0) return to <= sign ? h("span", { class: "sign" }, words) : words;
      return h("mark", { "data-cite": keys.join(" "), class: keys.includes(this.shown) && "shown" }, words);
    });
    const element = h(name, { class: `block-${type}`, "data-at": at || null, dir: type === "line" ? "ltr" : "auto" }, children);
    return page && inner ? [h("hr"), element] : [element];
  }

  // reveal scrolls to the shown span, and only if it is not in view.
  #reveal() {
    requestAnimationFrame(() => {
      const mark = this.body.querySelector("mark.shown");
      if (!mark) return;
      const frame = this.element.getBoundingClientRect();
      const box = mark.getBoundingClientRect();
      if (box.top < frame.top + 16 || box.bottom > frame.bottom - 16) this.element.scrollTop += box.top - frame.top - frame.height / 3;
      if (this.body.scrollWidth > this.body.clientWidth && (box.left > frame.right - 48 || box.left < frame.left)) this.body.scrollLeft += box.left - frame.left - 96;
    });
  }

  get address() {
    return addressOf({ document_id: this.id, version: this.version, span: this.spans.find((one) => one.key === this.shown)?.span ?? { byte_start: 0, byte_end: 0 } });
  }
}

function longest(text) {
  let most = 0;
  for (const line of text.split("\n")) most = Math.max(most, line.length);
  return most;
}
