// Evidence: the pane of cited documents. Beside the answer where there is room; below 832 px it is
// a sheet over everything else, for the keyboard too.
import { $, copy, h, setCurrent } from "./dom.js";
import { count, verdictWords } from "./format.js";
import { Reader } from "./reader.js";

const nameOf = ({ document_id: id, version }) => `${id}@${version}`;

export class Evidence {
  constructor({ pane, behind, step, closed }) {
    Object.assign(this, { pane, behind, closed, exhibits: new Map(), total: 0 });
    this.sheet = matchMedia("(width < 52rem)");
    this.empty = $("#unopened", pane);
    this.closer = h("button", { class: "button plain close", type: "button", click: () => this.close() }, "Close");
    this.tabs = h("nav", { class: "tabs", "aria-label": "Cited documents" });
    this.stage = h("div", { class: "stage" });
    this.state = h("span", { class: "state" }, h("span", {}));
    this.bytes = h("button", { class: "bytes", type: "button", title: "Copy the address of these words", click: () => copy(location.origin + this.current.reader.address, "Address copied") });
    this.position = h("span", {});
    const arrow = (words, sign, by, key) =>
      h("button", { class: "button plain", type: "button", "aria-label": words, "aria-keyshortcuts": key, click: () => step(by) }, sign);
    this.turn = h("nav", { "aria-label": "Citations" }, arrow("Previous citation", "‹", -1, "p"), this.position, arrow("Next citation", "›", 1, "n"));
    this.foot = h("footer", { class: "proof" }, this.state, this.bytes, this.turn);
    this.sheet.addEventListener("change", () => this.#cover());
  }

  // reset empties the pane for a new question.
  reset() {
    this.exhibits.clear();
    this.total = 0;
    this.at = 0; // the number of the citation that is shown
    this.current = null;
    this.tabs.replaceChildren(this.closer);
    this.stage.replaceChildren();
    this.pane.replaceChildren(this.empty);
    this.pane.classList.remove("open", "filled");
    this.#cover();
  }

  // expect makes a place for a citation, without opening it.
  expect(citation) {
    this.total++;
    const exhibit = this.#exhibit(citation);
    if (this.at) this.position.textContent = `${this.at} of ${this.total}`;
    exhibit.numbers.push(citation.number);
    exhibit.tag.textContent = exhibit.numbers.join(" ");
    exhibit.tag.hidden = false;
    exhibit.reader.add({ key: `c${citation.number}`, span: citation.span, quote: citation.quote });
  }

  #exhibit(cited) {
    const name = nameOf(cited);
    if (this.exhibits.has(name)) return this.exhibits.get(name);
    const reader = new Reader({ id: cited.document_id, version: cited.version, title: cited.title, uri: cited.uri });
    const tag = h("span", { class: "tag", hidden: "" });
    const tab = h("button", { type: "button", class: "tab", title: cited.uri, click: () => this.#open(exhibit, null) }, h("bdi", {}, cited.title || cited.uri), tag);
    const exhibit = { reader, tag, tab, numbers: [] };
    this.exhibits.set(name, exhibit);
    this.closer.before(tab);
    return exhibit;
  }

  // showCitation opens the document of a citation at its span. Quietly: without covering the page
  // or taking the focus.
  async showCitation(citation, verdict, { quietly = false } = {}) {
    this.at = citation.number;
    this.#tell({ verdict, position: `${this.at} of ${this.total}`, span: citation.span, hash: citation.quote_sha256 });
    if (!quietly) this.#uncover();
    const same = await this.#open(this.#exhibit(citation), `c${citation.number}`);
    if (same === false) this.#tell({ fault: "The text at these bytes is not the quote", span: citation.span, hash: citation.quote_sha256, position: this.position.textContent });
  }

  // showHit does the same for the span of a hit.
  async showHit(hit) {
    const exhibit = this.#exhibit(hit);
    this.at = 0;
    exhibit.reader.add({ key: `h${hit.rank}`, span: hit.span, quote: hit.quote });
    this.#tell({ words: `Hit ${hit.rank}`, span: hit.span, hash: hit.quote_sha256, position: "" });
    this.#uncover();
    await this.#open(exhibit, `h${hit.rank}`);
  }

  async #open(exhibit, key) {
    if (!this.pane.classList.contains("filled")) {
      this.pane.replaceChildren(this.tabs, this.stage, this.foot);
      this.pane.classList.add("filled");
    }
    for (const other of this.exhibits.values()) setCurrent(other.tab, other === exhibit);
    if (this.current !== exhibit) this.stage.replaceChildren(exhibit.reader.element);
    this.current = exhibit;
    exhibit.tab.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (key === null && exhibit.reader.window) return null;
    return exhibit.reader.show(key);
  }

  #tell({ verdict, words, fault, span, hash, position }) {
    this.state.className = `state ${fault || verdict === "unsupported" ? "bad" : verdict ? (verdict === "partial" ? "warn" : "good") : ""}`;
    this.state.firstElementChild.textContent = fault ?? words ?? verdictWords[verdict] ?? "Being checked";
    this.bytes.textContent = `${fault ? "stored at" : "equals"} bytes ${count(span.byte_start)}–${count(span.byte_end)} · sha256 ${hash.slice(0, 8)}`;
    this.position.textContent = position;
    this.turn.hidden = position === "";
  }

  #uncover() {
    this.pane.classList.add("open");
    this.#cover();
    if (this.sheet.matches) requestAnimationFrame(() => this.closer.focus());
  }

  #cover() {
    const covered = this.sheet.matches && this.pane.classList.contains("open");
    for (const element of this.behind) element.inert = covered;
    document.documentElement.classList.toggle("covered", covered);
  }

  // close leaves the sheet, and the span that was shown; it answers whether anything was open.
  close() {
    if (!this.pane.classList.contains("open")) return false;
    this.pane.classList.remove("open");
    this.#cover();
    this.current?.reader.unmark();
    this.closed();
    return true;
  }
}
