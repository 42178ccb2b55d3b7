// Citations: chips in the answer, the preview of one, and the way to its document. A chip is a link
// to the permanent address of its span, so that it can be opened apart or copied.
import { glyph, h, onEnter, setCurrent } from "./dom.js";
import { place, verdictWords, kindName } from "./format.js";
import { addressOf, write } from "./state.js";

export class Citations {
  constructor({ preview, evidence }) {
    Object.assign(this, { preview, evidence, known: new Map(), verdicts: new Map(), chips: [], current: 0 });
    preview.addEventListener("pointerenter", () => clearTimeout(this.leaving));
    preview.addEventListener("pointerleave", () => this.#leave());
  }

  reset() {
    this.known.clear();
    this.verdicts.clear();
    this.chips = [];
    this.current = 0;
    this.#hide();
  }

  add(citation) {
    if (this.known.has(citation.number)) return;
    this.known.set(citation.number, citation);
    this.evidence.expect(citation);
  }

  // chip makes the mark of citation number at the end of a sentence. Its place is held, ringed,
  // until there is a verdict.
  chip(number, verdict) {
    const citation = this.known.get(number);
    if (!citation) return null;
    if (verdict) this.verdicts.set(number, verdict);
    const where = [citation.title || citation.uri, place(citation.locator, { long: true })].filter(Boolean).join(", ");
    const open = () => {
      this.#hide();
      this.show(number);
    };
    const element = h("a", {
      class: `cite ${verdict ?? "held"}`, href: addressOf(citation), "data-cite": number, "aria-describedby": this.preview.id,
      "aria-label": `Citation ${number}, ${verdict ?? "being checked"}: ${where}`,
      click: (event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        open();
      },
      keydown: onEnter(open),
      pointerenter: (event) => event.pointerType === "mouse" && this.#preview(element, citation, verdict),
      focus: () => element.matches(":focus-visible") && this.#preview(element, citation, verdict),
      pointerleave: () => this.#leave(),
      blur: () => this.#leave(),
    }, glyph(verdict ?? "uncited"), String(number));
    if (this.current === number) setCurrent(element, true);
    return element;
  }

  // show opens citation number; it answers false where there is none.
  show(number, { quietly = false } = {}) {
    const citation = this.known.get(number);
    if (!citation) return false;
    this.current = number;
    for (const chip of this.#all()) setCurrent(chip, chip.dataset.cite === String(number));
    this.evidence.showCitation(citation, this.verdicts.get(number), { quietly });
    if (!quietly) write({ cite: String(number) });
    return true;
  }

  step(by) {
    const numbers = [...this.known.keys()].sort((a, b) => a - b);
    if (numbers.length === 0) return false;
    const at = numbers.indexOf(this.current);
    return this.show(numbers[at < 0 ? (by > 0 ? 0 : numbers.length - 1) : (at + by + numbers.length) % numbers.length]);
  }

  // left is called when the pane was closed: the focus goes back to where it came from.
  left() {
    const chip = this.#all().find((one) => one.dataset.cite === String(this.current));
    this.current = 0;
    for (const one of this.#all()) setCurrent(one, false);
    write({ cite: "" });
    chip?.focus();
    this.#hide();
  }

  // escape closes the preview; it answers whether one was open.
  escape() {
    const open = this.preview.matches(":popover-open");
    this.#hide();
    return open;
  }

  #all() {
    return [...document.querySelectorAll("a.cite")];
  }

  #preview(chip, citation, verdict) {
    clearTimeout(this.leaving);
    this.preview.replaceChildren(
      h("strong", {}, h("bdi", {}, citation.title || citation.uri)),
      h("blockquote", { class: citation.kind === "code" && "code", dir: "auto" }, citation.quote.trim()),
      h("span", { class: "quiet" }, [kindName(citation.kind), place(citation.locator, { long: true }), (verdictWords[verdict] ?? "being checked").toLowerCase()].filter(Boolean).join(" · ")));
    this.preview.showPopover();
    const gap = 8;
    const box = chip.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.preview;
    const below = box.bottom + gap;
    this.preview.style.top = `${below + height < innerHeight ? below : Math.max(gap, box.top - gap - height)}px`;
    this.preview.style.left = `${Math.max(gap, Math.min(box.left, innerWidth - width - gap))}px`;
  }

  // The pointer may cross to the preview, to read or select it at leisure.
  #leave() {
    clearTimeout(this.leaving);
    this.leaving = setTimeout(() => this.#hide(), 200);
  }

  #hide() {
    clearTimeout(this.leaving);
    if (this.preview.matches(":popover-open")) this.preview.hidePopover();
  }
}
