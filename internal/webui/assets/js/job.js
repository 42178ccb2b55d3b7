// One job: its balance, and each document that was skipped or failed, with the reason and a remedy.
import * as api from "./api.js";
import { h, setCurrent, svg, toast } from "./dom.js";
import { bars, bytes, count, fault, seconds } from "./format.js";
import { reasonWords } from "./reasons.js";

const parts = [["indexed", "indexed"], ["unchanged", "unchanged"], ["queued", "in progress"], ["skipped", "skipped"], ["failed", "failed"]];

export class JobView {
  constructor(place) {
    const query = new URLSearchParams(location.search);
    Object.assign(this, { place, result: query.get("result"), reason: query.get("reason"), key: "", items: [], next: null });
    this.balance = h("section", { class: "block", "aria-labelledby": "job-title" });
    this.reasons = h("nav", { class: "reasons", "aria-label": "Reasons" });
    this.table = h("div", { class: "scroll-x" });
    this.title = h("h2", { id: "items-title" });
    this.losses = h("section", { class: "block", "aria-labelledby": "items-title" }, h("header", { class: "block-head" }, this.title), h("div", { class: "split" }, this.reasons, this.table));
  }

  async show(job, name) {
    this.job = job;
    this.name = name;
    this.#drawBalance();
    const lost = job.counts.skipped + job.counts.failed;
    this.place.replaceChildren(this.balance, ...(lost > 0 ? [this.losses] : []));
    if (lost > 0) await this.#drawLosses();
  }

  #drawBalance() {
    const { job } = this;
    const { counts } = job;
    const shown = parts.filter(([key]) => counts[key] > 0 || key === "indexed" || key === "failed");
    const sum = [h("li", {}, h("strong", {}, count(counts.accepted)), h("span", {}, job.listed ? "accepted" : "accepted so far"))];
    for (const [i, [key, words]] of shown.entries()) {
      sum.push(h("li", { "aria-hidden": "true" }, h("i", {}, i === 0 ? "=" : "+")),
        h("li", {}, h("strong", {}, count(counts[key])), h("span", {}, svg("svg", { class: "key", "aria-hidden": "true" }, svg("rect", { class: `part-${key}`, width: 12, height: 12 })), words)));
    }
    const facts = [["Collection", h("a", { href: `/collections/${encodeURIComponent(job.collection)}` }, job.collection)], ["Bytes", bytes(counts.bytes)], ["Rate", `${job.rate.toFixed(1)} documents / s`]];
    if (counts.deleted > 0) facts.push(["Removed, source gone", count(counts.deleted)]);
    if (job.state === "running" && job.eta_seconds) facts.push(["Remaining", seconds(job.eta_seconds)]);
    facts.push(["Balance", job.balanced ? "every document is accounted for" : "does not add up yet"]);
    this.balance.replaceChildren(
      h("header", { class: "block-head" },
        h("h2", { id: "job-title" }, h("bdi", {}, this.name), " ", h("span", { class: "quiet mono" }, job.id)),
        h("div", { class: "buttons" },
          job.source === "folder" && job.state !== "running" && h("button", { class: "button", type: "button", "aria-keyshortcuts": "r", click: () => this.rerun() }, "Run again"),
          job.state === "running" && h("button", { class: "button", type: "button", click: () => this.#cancel() }, "Cancel"))),
      h("div", { class: "balance" },
        job.error && h("p", { class: "notice" }, h("span", { class: "state bad" }, h("span", {}, `Job ${job.state}`)), h("span", {}, job.error)),
        h("ul", { class: "sum", "aria-label": "Balance of the job" }, sum), bar(counts),
        h("dl", { class: "facts" }, facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))))));
  }

  async #drawLosses() {
    const { counts, reasons = [], id } = this.job;
    this.title.textContent = [counts.failed && `${count(counts.failed)} failed`, counts.skipped && `${count(counts.skipped)} skipped`].filter(Boolean).join(", ");
    this.result ??= counts.failed > 0 ? "failed" : "skipped";
    const groups = ["failed", "skipped"].filter((result) => counts[result] > 0).map((result) => [
      h("h3", {}, result === "failed" ? "Failed" : "Skipped"),
      h("ul", {}, this.#choice(result, "", "All reasons", counts[result]), reasons.filter((one) => one.result === result).map((one) => this.#choice(result, one.reason, reasonWords(one.reason).title, one.count))),
    ]);
    this.reasons.replaceChildren(...groups.flat());

    const key = [id, this.result, this.reason, counts.failed, counts.skipped].join();
    if (key === this.key) return;
    this.key = key;
    if (this.items.length === 0) this.table.replaceChildren(bars(5));
    try {
      const page = await api.jobItems(id, { result: this.result, reason: this.reason });
      this.items = page.data;
      this.next = page.next;
      this.#drawItems();
    } catch (failure) {
      this.key = "";
      this.table.replaceChildren(fault(failure, () => this.#drawLosses()));
    }
  }

  #choice(result, reason, words, n) {
    const link = h("a", { href: `/jobs/${encodeURIComponent(this.job.id)}?${new URLSearchParams({ result, ...(reason && { reason }) })}` }, words, h("span", {}, count(n)));
    setCurrent(link, this.result === result && (this.reason ?? "") === reason);
    link.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      Object.assign(this, { result, reason, items: [] });
      history.replaceState(null, "", link.href);
      this.#drawLosses();
    });
    return h("li", {}, link);
  }

  #drawItems() {
    const rows = this.items.map(({ item, reason, detail, document_id: document }) => {
      const { title, remedy } = reasonWords(reason);
      const name = h("bdi", {}, this.#within(item));
      return h("tr", {},
        h("td", { class: "uri" }, document ? h("a", { href: `/d/${encodeURIComponent(document)}` }, name) : name),
        h("td", { class: "why" }, title, h("small", {}, [detail && detail[0].toUpperCase() + detail.slice(1) + (/[.!?]$/.test(detail) ? "" : "."), remedy].filter(Boolean).join(" "))));
    });
    this.table.replaceChildren(
      h("table", { class: "sheet" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Document"), h("th", { scope: "col" }, "Reason"))), h("tbody", {}, rows)),
      this.next ? h("button", { class: "button more", type: "button", click: () => this.#more() }, "More") : "");
  }

  // within shortens the uri of an item to its path in the job's folder.
  #within(item) {
    const folder = `file://${this.job.path}/`;
    return this.job.path && item.startsWith(folder) ? item.slice(folder.length) : item;
  }

  async #more() {
    try {
      const page = await api.jobItems(this.job.id, { result: this.result, reason: this.reason, after: this.next });
      this.items.push(...page.data);
      this.next = page.next;
      this.#drawItems();
    } catch (failure) {
      toast(failure.title);
    }
  }

  // rerun ingests the job's folder again: what has not changed costs nothing, what failed is tried.
  async rerun() {
    if (this.job?.source !== "folder" || this.job.state === "running") return;
    try {
      const { id } = await api.createJob(this.job.collection, this.job.path);
      location.assign(`/jobs/${encodeURIComponent(id)}`);
    } catch (failure) {
      toast(failure.detail || failure.title);
    }
  }

  async #cancel() {
    try {
      await api.cancelJob(this.job.id);
      toast("Canceling");
    } catch (failure) {
      toast(failure.detail || failure.title);
    }
  }
}

// bar draws the balance as one line; a texture tells the parts apart without colour.
function bar(counts) {
  const total = parts.reduce((sum, [key]) => sum + counts[key], 0) || 1;
  let x = 0;
  const rects = parts.filter(([key]) => counts[key] > 0).map(([key]) => {
    const width = (100 * counts[key]) / total;
    const rect = svg("rect", { class: `part-${key}`, x: `${x}%`, width: `${Math.max(width, 0.3)}%`, height: "100%" });
    x += width;
    return rect;
  });
  return svg("svg", { class: "parts", "aria-hidden": "true" },
    svg("pattern", { id: "stripes", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, svg("rect", { width: 6, height: 6 }), svg("path", { d: "M1.5 0v6" })), rects);
}
