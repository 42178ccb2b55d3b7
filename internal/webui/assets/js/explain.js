// Explain: a modal drawer that says, stage by stage, how a hit came to its rank.
import { h } from "./dom.js";
import { kindName, place, plural, score } from "./format.js";
import { write } from "./state.js";

export function openExplain(dialog, hit, { mode, degraded = [] }) {
  const { dense, lexical, dense_weight: weight, dense_z: denseZ, lexical_z: lexicalZ, fused_rank: fusedRank, fused_score: fused, rerank_score: rerank, rerank_rank: rerankRank, duplicates } = hit.explain;
  const leg = (name, { rank, score: value }, z, share) =>
    [name, rank || "–", score(value), rank ? `normalised ${z.toFixed(3)}, weight ${share.toFixed(2)}` : mode === "hybrid" ? `not among its candidates; normalised ${z.toFixed(3)}` : "not asked in this mode"];
  const rows = [
    leg("lexical", lexical, lexicalZ, 1 - weight),
    leg("dense", dense, denseZ, weight),
    ["fused", fusedRank || "–", score(fused), "weighted sum of both"],
  ];
  if (rerank !== undefined && rerank !== null) rows.push(["rerank", rerankRank || "–", score(rerank), "by the best sentence of the passage"]);
  for (const stage of degraded) rows.push([stage, "–", "–", h("span", { class: "state warn" }, h("span", {}, "left out"))]);
  rows.push(["final", hit.rank, score(hit.score), duplicates?.length ? `stands for ${plural(duplicates.length, "near-duplicate")}` : "no near-duplicates"]);

  const attributes = Object.entries(hit.attributes ?? {}).slice(0, 12);
  const facts = [["kind", kindName(hit.kind)], ["version", String(hit.version)], ["place", place(hit.locator, { long: true })], ...attributes.map(([key, value]) => [key, Array.isArray(value) ? value.join(", ") : String(value)])];
  dialog.replaceChildren(
    h("header", {},
      h("div", {}, h("p", { class: "small quiet" }, `Explain hit ${hit.rank}`), h("h2", { id: "explain-title" }, h("bdi", {}, hit.title || hit.uri)),
        h("p", { class: "small quiet" }, [place(hit.locator), "chunk "].filter(Boolean).join(" · "), h("code", {}, hit.chunk_id))),
      h("button", { class: "button close", type: "button" }, "Close ", h("kbd", {}, "esc"))),
    h("section", {}, h("h3", {}, "How it got here"),
      h("table", { class: "sheet" },
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Stage"), h("th", { scope: "col", class: "number" }, "Rank"), h("th", { scope: "col", class: "number" }, "Score"), h("th", { scope: "col" }, "Why"))),
        h("tbody", {}, rows.map(([stage, rank, value, why]) => h("tr", {}, h("td", {}, stage), h("td", { class: "number" }, String(rank)), h("td", { class: "number" }, value), h("td", {}, why)))))),
    h("section", {}, h("h3", {}, "What was indexed"),
      hit.locator?.heading_path?.length > 0 && h("p", { class: "small quiet" }, `under ${hit.locator.heading_path.join(" › ")}`),
      h("blockquote", { class: ["code", "data", "table"].includes(hit.kind) && "code", dir: "auto" }, hit.quote),
      h("dl", { class: "facts" }, facts.filter(([, value]) => value).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))))));
  write({ explain: String(hit.rank) });
  if (!dialog.open) dialog.showModal();
}
