// Hits: what was found, best first. j and k choose, enter opens, e explains.
import { $, h, onEnter } from "./dom.js";
import { codeExcerpt, excerpt } from "./excerpt.js";
import { count, kindName, milliseconds, place, plural, score, trail } from "./format.js";
import { addressOf } from "./state.js";

export class Hits {
  constructor({ section, open, explain }) {
    Object.assign(this, { section, open, explain, hits: [], chosen: -1 });
  }

  reset() {
    this.hits = [];
    this.chosen = -1;
    this.section.replaceChildren();
    this.section.hidden = true;
  }

  show(result, query) {
    this.hits = result.hits ?? [];
    this.chosen = -1;
    this.section.hidden = false;
    const said = [`from ${plural(result.candidates, "candidate")} in ${milliseconds(result.took_ms)}`, `seq ${count(result.seq)}`];
    this.section.replaceChildren(
      h("div", { class: "hits-head" }, h("h2", { id: "hits-title" }, plural(this.hits.length, "hit")), h("span", { class: "small quiet" }, said.join(" · "))),
      this.hits.length > 0 ? h("ol", {}, this.hits.map((hit) => this.#row(hit, query)))
        : h("p", { class: "quiet none-found" }, "Nothing that may be seen here matches. Fewer filters, or other words, may find more."));
  }

  #row(hit, query) {
    const mono = ["code", "table", "data"].includes(hit.kind);
    const legs = hit.explain && ["lexical", "dense"].map((leg) => `${leg} ${hit.explain[leg].rank || "–"}`).join(" · ");
    return h("li", { class: "hit", "data-rank": hit.rank },
      h("span", { class: "rank" }, String(hit.rank)),
      h("div", { class: "what" },
        h("h3", {}, h("a", { href: addressOf(hit), click: (event) => this.#click(event, hit), keydown: onEnter(() => this.#open(hit)) }, h("bdi", {}, hit.title || hit.uri))),
        h("p", { class: "where" }, h("span", { class: "tag" }, kindName(hit.kind)), place(hit.locator) && h("span", {}, h("bdi", {}, place(hit.locator))), h("span", {}, hit.collection), h("span", { class: "wide-only" }, h("bdi", {}, trail(hit))))),
      h("p", { class: "score" },
        hit.explain && h("button", { class: "link", type: "button", "aria-label": `Explain hit ${hit.rank}`, click: () => this.explain(hit) }, "Explain"),
        h("output", {}, score(hit.score)), legs && h("span", { class: "legs" }, legs)),
      h("p", { class: mono ? "excerpt code" : "excerpt", dir: mono ? "ltr" : "auto" }, mono ? codeExcerpt(hit.quote, query) : excerpt(hit.quote, query)));
  }

  #click(event, hit) {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    this.#open(hit);
  }

  #open(hit) {
    this.#mark(this.hits.indexOf(hit));
    this.open(hit);
  }

  #mark(index) {
    this.chosen = index;
    const rows = [...this.section.querySelectorAll(".hit")];
    rows.forEach((row, i) => row.classList.toggle("chosen", i === index));
    return rows[index];
  }

  // choose moves by one; it answers false where there are no hits.
  choose(by) {
    if (this.hits.length === 0) return false;
    const row = this.#mark(Math.max(0, Math.min(this.chosen + by, this.hits.length - 1)));
    $("h3 a", row).focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
    return true;
  }

  explainChosen() {
    const hit = this.hits[Math.max(0, this.chosen)];
    if (!hit?.explain) return false;
    this.explain(hit);
    return true;
  }

  // focusChosen returns the focus to the hit that was opened; it answers whether there is one.
  focusChosen() {
    const row = this.section.querySelector(".hit.chosen");
    if (row) $("h3 a", row).focus();
    return Boolean(row);
  }
}
