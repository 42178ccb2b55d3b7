// Ask: joins the question, its answer, the evidence, the hits and the keys. The address holds the
// state: what it says is what is shown.
import { AnswerView } from "./answer.js";
import * as api from "./api.js";
import { Citations } from "./citations.js";
import { curl, markdown } from "./copy.js";
import { $, copy, h, say } from "./dom.js";
import { Evidence } from "./evidence.js";
import { openExplain } from "./explain.js";
import { collectionsIn, filterOf, filtersIn, startFilters } from "./filters.js";
import { fault, plural } from "./format.js";
import { Hits } from "./hits.js";
import { bind } from "./keys.js";
import { read, write } from "./state.js";
import { startWelcome } from "./welcome.js";

const form = $("#ask");
const input = $("#question");
const go = $("#go");
const notices = $("#notices");
const explainer = $("#explain");
const preview = $("#preview");

const evidence = new Evidence({
  pane: $("#evidence"),
  behind: [...document.querySelectorAll(".bar, .ask, .facets, .reading, .skip")],
  step: (by) => citations.step(by),
  closed: () => hits.focusChosen() || citations.left(),
});
const citations = new Citations({ preview, evidence });
const hits = new Hits({ section: $("#hits"), open: openHit, explain: (hit) => openExplain(explainer, hit, result) });
const view = new AnswerView({ article: $("#answer"), citations, tools });

function openHit(hit) {
  citations.escape();
  evidence.showHit(hit);
}

let running = null; // the request under way
let asked = null; // its body
let result = { mode: "hybrid" }; // the last search's response

// request makes the body that the address asks for.
function request(state) {
  const body = { query: state.q, explain: true };
  const collections = collectionsIn(state);
  if (collections.length > 0) body.collections = collections;
  const filter = filterOf(state);
  if (filter) body.filter = filter;
  if (state.mode) body.mode = state.mode;
  if (Number(state.top_k) > 0) body.top_k = Math.min(1000, Number(state.top_k));
  if (Number(state.min_seq) > 0) body.min_seq = Number(state.min_seq);
  return body;
}

const show = (state) => (state.show === "hits" ? "hits" : "answer");

// run asks what the address says, and leaves alone whatever else it says until there is an answer.
async function run() {
  const state = read();
  stop();
  settle(state);
  if (!state.q) return welcome.start();
  welcome.leave();
  citations.reset();
  evidence.reset();
  hits.reset();
  notices.replaceChildren();
  document.title = `${state.q} · Quarry`;
  $("#title").textContent = state.q;

  const mine = new AbortController();
  running = mine;
  busy(true);
  view.start();
  say("Searching");
  try {
    asked = request(state);
    await (show(state) === "hits" ? search(state, mine.signal) : answer(state, mine.signal));
  } catch (failure) {
    if (mine.signal.aborted) return;
    notices.append(fault(failure instanceof SyntaxError ? { title: "The filter is not JSON", detail: failure.message } : failure, run));
  } finally {
    if (running === mine) {
      running = null;
      busy(false);
      view.stop();
    }
  }
}

async function search(state, signal) {
  found(await api.search(asked, signal), state);
  $("#answer").hidden = true;
  say(plural(result.hits.length, "hit"));
  reopen(state);
}

async function answer(state, signal) {
  let last = 0;
  for await (const { type, id, data } of api.answers(asked, signal)) {
    if (signal.aborted) return;
    if (type === "resumed") {
      notice("Line lost", "The connection broke, and was taken up again.");
      continue;
    }
    // A server that cannot resume begins again; so does the page.
    if (Number(id) <= last) again();
    last = Number(id) || last;
    if (type === "retrieval") found(data.search, state);
    else if (type === "delta") view.delta(data.text);
    else if (type === "citation") view.citation(data.citation);
    else if (type === "verdict") judged(data, state);
    else if (type === "done") finished(data.answer, state);
  }
}

function again() {
  citations.reset();
  evidence.reset();
  view.start();
}

function found(search, state) {
  result = search;
  hits.show(search, state.q);
  say(plural(search.hits?.length ?? 0, "hit"));
  for (const stage of search.degraded ?? []) notice(`Degraded: ${stage}`, "This stage was left out; the other stages' order was kept.");
}

// The first citation opens beside the answer where the pane stands empty anyway.
function judged(event, state) {
  view.verdict(event);
  if (!state.cite && event.citations?.includes(1) && !evidence.sheet.matches && !evidence.current) citations.show(1, { quietly: true });
}

function finished(answer, state) {
  if (answer.result === "abstained") {
    view.abstain(answer, { searched: searched(state), ways: waysOut(state) });
    say("No passage answers this");
  } else {
    view.done(answer);
    say(`Answer complete: ${view.summary()}`);
  }
  reopen(state);
}

const searched = (state) => `Searched: ${collectionsIn(state).join(", ") || "every collection"}, ${result.candidates ?? 0} candidates${filtersIn(state) ? ", with filters" : ""}.`;

function waysOut(state) {
  const wider = (changes) => () => {
    write(changes);
    run();
  };
  const ways = [];
  if (filtersIn(state)) ways.push(["Search without filters", wider({ collection: "", kind: "", f: "" })]);
  if (state.mode && state.mode !== "hybrid") ways.push(["Search in both ways", wider({ mode: "" })]);
  if (!(Number(state.top_k) > 10)) ways.push(["Show 50 hits", wider({ top_k: "50" })]);
  return ways;
}

// reopen shows what the address says was open: a citation, the explanation of a hit.
function reopen(state) {
  if (state.cite) citations.show(Number(state.cite));
  const hit = hits.hits.find((one) => String(one.rank) === state.explain);
  if (hit?.explain) openExplain(explainer, hit, result);
}

function notice(title, words) {
  if ([...notices.querySelectorAll(".state")].some((state) => state.textContent === title)) return;
  notices.append(h("p", { class: "notice" }, h("span", { class: "state warn" }, h("span", {}, title)), h("span", {}, words)));
}

function tools(answer) {
  const button = (words, act) => h("button", { class: "button plain", type: "button", click: act }, words);
  const path = show(read()) === "hits" ? "/v1/search" : "/v1/answers";
  return [
    answer.result !== "abstained" && button("Copy with citations", () => copy(markdown(read().q, answer), "Answer and citations copied")),
    button("Copy as curl", () => copy(curl(path, asked), "curl command copied")),
    button("Copy the address", () => copy(location.href, "Address copied")),
  ].filter(Boolean);
}

function stop() {
  running?.abort();
  running = null;
  busy(false);
}

function busy(on) {
  go.classList.toggle("stops", on);
  go.replaceChildren(...(on ? ["Stop"] : ["Ask ", h("kbd", { "aria-hidden": "true" }, "↵")]));
}

// settle makes the controls agree with the address.
function settle(state) {
  if (document.activeElement !== input || !input.value) input.value = state.q ?? "";
  form.elements.show.value = show(state);
  form.elements.mode.value = state.mode || "hybrid";
  filters.tell();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (running) {
    stop();
    view.stop();
    say("Stopped");
    return;
  }
  const q = input.value.trim();
  if (!q) return;
  const push = q !== read().q;
  write({ q, cite: "", explain: "" }, { push });
  run();
});
form.addEventListener("change", (event) => {
  if (event.target.type !== "radio") return;
  write({ show: form.elements.show.value === "hits" ? "hits" : "", mode: form.elements.mode.value === "hybrid" ? "" : form.elements.mode.value, cite: "", explain: "" });
  if (read().q) run();
});
explainer.addEventListener("close", () => write({ explain: "" }));
addEventListener("popstate", () => {
  input.value = read().q ?? "";
  run();
});

bind("/", "to the question", () => input.select());
bind("n", "next citation", () => citations.step(1));
bind("p", "previous citation", () => citations.step(-1));
bind("j", "next hit", () => hits.choose(1));
bind("k", "previous hit", () => hits.choose(-1));
bind("Enter", "open the chosen hit or citation", () => false);
bind("e", "explain the chosen hit", () => hits.explainChosen());
bind("Escape", "close the preview, then the document", () => citations.escape() || evidence.close());

const filters = startFilters({
  sets: $("#filters"), summary: $("#filters-summary"), details: $(".facets details"),
  changed: () => read().q && run(),
});
const welcome = startWelcome({ start: $("#start"), main: $("#main"), filters });
evidence.reset();
run();
