// Before the first question: what is here, or, where nothing is, three ways to bring documents in.
import * as api from "./api.js";
import { $, copy, h, say } from "./dom.js";
import { bars, bytes, count, fault, plural, trail } from "./format.js";
import { startUpload } from "./upload.js";

export function startWelcome({ start, main, filters }) {
  let asking = null;
  const account = $(".account");
  const home = account.parentElement;

  // totals is asked once, and again when documents were brought in.
  const totals = () => (asking ??= load());
  totals().then((all) => filters.draw(all)).catch(() => filters.draw([]));
  tellReady($("#ready"));

  const refresh = async () => {
    asking = null;
    filters.draw(await totals());
  };

  return {
    async start() {
      document.title = "Ask · Quarry";
      for (const part of main.querySelectorAll("#answer, #hits")) part.hidden = true;
      $("#notices").replaceChildren();
      start.hidden = false;
      start.replaceChildren(bars(3));
      try {
        const all = await totals();
        const documents = all.reduce((sum, one) => sum + one.documents, 0);
        main.classList.toggle("unfilled", documents === 0);
        if (documents > 0) {
          home.append(account);
          start.replaceChildren(...begin(all, documents, await some(all)));
        } else {
          start.replaceChildren(ways({ refresh, again: () => this.start() }), account);
        }
      } catch (failure) {
        asking = null;
        start.replaceChildren(fault(failure, () => this.start()));
      }
    },
    leave() {
      start.hidden = true;
      start.replaceChildren();
      main.classList.remove("unfilled");
      home.append(account);
    },
  };
}

async function load() {
  const { data } = await api.collections();
  return Promise.all((data ?? []).map(async ({ name }) => ({ name, ...await api.collectionStats(name) })));
}

// some are the first documents of the largest collection.
async function some(all) {
  const largest = all.reduce((one, other) => (other.documents > one.documents ? other : one));
  const { data } = await api.documents(largest.name);
  return data.slice(0, 6);
}

async function tellReady(state) {
  const tell = (kind, words) => {
    state.className = `state ${kind}`;
    state.firstElementChild.textContent = words;
  };
  try {
    await api.ready();
    tell("good", "ready");
  } catch (failure) {
    tell(failure.status ? "warn" : "bad", failure.status ? "starting" : "no answer");
  }
}

// begin says what can be asked.
function begin(all, documents, first) {
  const embedded = all.reduce((sum, one) => sum + one.embedded, 0);
  const chunks = all.reduce((sum, one) => sum + one.chunks, 0);
  const behind = chunks - embedded;
  return [
    h("h2", {}, `Ask ${plural(documents, "document")}`),
    h("p", { class: "quiet" }, "Every answer stands beside its proof: the cited document, open at the quoted words."),
    h("dl", { class: "facts wide" },
      all.map((one) => h("div", {}, h("dt", {}, h("a", { href: `/collections/${encodeURIComponent(one.name)}` }, one.name)), h("dd", {}, `${plural(one.documents, "document")}, ${plural(one.chunks, "chunk")}, ${bytes(one.text_bytes)} of text`)))),
    behind > 0 && h("p", { class: "notice" }, h("span", { class: "state warn" }, h("span", {}, "Vectors are on their way")), h("span", {}, `${count(behind)} of ${plural(chunks, "chunk")} can be found by keyword now, and by meaning soon.`)),
    h("div", { class: "starts" }, h("h3", {}, documents > first.length ? "Some of them" : "They are"),
      h("ul", {}, first.map((one) => h("li", {}, h("a", { href: `/d/${encodeURIComponent(one.id)}` }, h("bdi", {}, one.title || one.uri)), h("span", { class: "small quiet" }, h("bdi", {}, trail(one))))))),
    h("p", { class: "quiet small rest" }, h("kbd", {}, "/"), " to the question, ", h("kbd", {}, "?"), " for every key"),
  ].filter(Boolean);
}

// ways are the three ways in.
function ways({ refresh, again }) {
  const way = (title, words, ...children) => h("li", {}, h("section", {}, h("h2", {}, title), h("p", {}, words), children));
  const command = (text) => h("p", { class: "command" }, h("code", { tabindex: "0" }, text), h("button", { class: "button plain", type: "button", click: () => copy(text, "Command copied") }, "Copy"));
  const done = async () => {
    await refresh();
    say("Documents indexed");
    again();
  };
  return h("div", { class: "welcome" },
    h("h2", { class: "big" }, "Nothing is indexed yet"),
    h("p", { class: "lead" }, "Give Quarry some documents. They can be searched by keyword at once, and by meaning as soon as their vectors arrive."),
    h("ol", { class: "ways" },
      way("Drop documents here", "PDF, HTML, Markdown, text, code, CSV, JSON, YAML.", startUpload(done)),
      way("Point at a folder", "It is ingested, then watched for changes.", command("quarry up ./docs")),
      way("Send them over HTTP", "One document, or a stream of them.",
        command(`curl ${location.origin}/v1/collections/main/documents -H 'content-type: application/json' -d '{"uri":"hello.txt","text":"Hello."}'`))));
}
