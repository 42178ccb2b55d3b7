// Jobs: what was handed in, and what became of it. The list and the chosen job are asked again only
// while the page is looked at.
import * as api from "./api.js";
import { $, h, setCurrent, toast } from "./dom.js";
import { bars, count, fault, seconds, when } from "./format.js";
import { JobView } from "./job.js";
import { bind } from "./keys.js";

const list = $("#list");
const chosen = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const view = new JobView($("#job"));
let jobs = [];
let next = null;
let timer;

const jobName = ({ source, path, id }) => ({ folder: "Folder", batch: "Batch", upload: "Upload" }[source] ?? source) + (path ? ` ${path}` : ` ${id.slice(-6)}`);

async function refresh() {
  clearTimeout(timer);
  try {
    const page = await api.jobs();
    const older = jobs.slice(page.data.length).filter((one) => !page.data.some(({ id }) => id === one.id));
    jobs = [...page.data, ...older];
    if (older.length === 0) next = page.next;
    draw();
    const id = chosen || jobs[0]?.id;
    const job = id && await api.job(id); // it alone holds the reasons
    if (job) await view.show(job, jobName(job));
    $("#notices").replaceChildren();
  } catch (failure) {
    if (jobs.length === 0) list.replaceChildren();
    $("#notices").replaceChildren(fault(failure, refresh));
    return;
  }
  const pause = jobs.some((one) => one.state === "running") ? 1000 : 5000;
  if (!document.hidden) timer = setTimeout(refresh, pause);
}

function draw() {
  if (jobs.length === 0) {
    list.replaceChildren(h("div", { class: "block nothing" }, h("h2", {}, "No jobs yet"), h("p", { class: "quiet" }, "A job begins when documents come in: ", h("code", {}, "quarry up ./docs"), ", ", h("code", {}, "quarry ingest ./docs"), ", or the ", h("a", { href: "/" }, "first page"), ".")));
    return;
  }
  const focused = document.activeElement?.dataset?.job;
  const head = [["Job"], ["Collection", "rest"], ["State"], ["Accepted", "number rest"], ["Failed", "number"], ["Skipped", "number rest"], ["Rate", "number rest"], ["Remaining", "number rest"], ["Started", "number rest"]];
  list.replaceChildren(h("div", { class: "block scroll-x" }, h("table", { class: "sheet" },
    h("thead", {}, h("tr", {}, head.map(([words, name]) => h("th", { scope: "col", class: name }, words)))),
    h("tbody", {}, jobs.map(row)))),
  next ? h("button", { class: "button more", type: "button", click: older }, "Older jobs") : "");
  if (focused) $(`[data-job="${CSS.escape(focused)}"]`, list)?.focus();
}

function row(job) {
  const { counts } = job;
  const running = job.state === "running";
  const element = h("tr", {},
    h("td", {}, h("a", { href: `/jobs/${encodeURIComponent(job.id)}`, "data-job": job.id }, h("bdi", {}, jobName(job)))),
    h("td", { class: "rest" }, job.collection), h("td", {}, stateOf(job)),
    h("td", { class: "number rest" }, count(counts.accepted)), h("td", { class: counts.failed ? "number bad" : "number" }, count(counts.failed)),
    h("td", { class: "number rest" }, count(counts.skipped)),
    h("td", { class: "number rest" }, running ? `${job.rate.toFixed(job.rate < 10 ? 1 : 0)} / s` : "–"),
    h("td", { class: "number rest" }, running && job.eta_seconds !== undefined && job.eta_seconds !== null ? seconds(job.eta_seconds) : "–"),
    h("td", { class: "number rest" }, when(job.created_at)));
  setCurrent(element, job.id === (chosen || jobs[0].id));
  return element;
}

function stateOf({ state, counts, listed, error }) {
  if (state === "running") {
    if (!listed || !counts.accepted) return h("span", { class: "state" }, h("span", {}, `listing, ${count(counts.accepted)} so far`));
    const done = counts.accepted - counts.queued;
    const percent = Math.floor((100 * done) / counts.accepted);
    return [h("progress", { max: counts.accepted, value: done, "aria-label": `${percent} percent` }), ` ${percent}%`];
  }
  const kind = { done: "good", failed: "bad", canceled: "warn" }[state] ?? "";
  return h("span", { class: `state ${kind}` }, h("span", {}, error ? `${state}: ${error}` : state));
}

async function older() {
  try {
    const page = await api.jobs(next);
    jobs.push(...page.data);
    next = page.next;
    draw();
  } catch (failure) {
    toast(failure.title);
  }
}

function move(by) {
  const links = [...list.querySelectorAll("[data-job]")];
  const at = links.findIndex((one) => one === document.activeElement);
  links[Math.max(0, Math.min(at + by, links.length - 1))]?.focus();
  return links.length > 0;
}

bind("j", "next job", () => move(1));
bind("k", "previous job", () => move(-1));
bind("Enter", "open the job", () => false);
bind("r", "run the job again", () => view.rerun());
bind("/", "to the question", () => location.assign("/"));
document.addEventListener("visibilitychange", () => document.hidden ? clearTimeout(timer) : refresh());
list.replaceChildren(bars(4));
refresh();
