// The public API, and nothing else: what the console can do, curl can.

// Failure is a problem (RFC 9457), or what stands in its place when no server answered.
class Failure extends Error {
  constructor({ title, detail, status = 0, code = "", request_id: requestID = "", errors = [] }) {
    super(title);
    Object.assign(this, { title, detail, status, code, requestID, errors });
  }
}

const silent = (cause) => cause.name === "AbortError" ? cause : new Failure({
  title: "The server does not answer",
  detail: "The connection was refused or lost. Is the process still running?",
});

async function send(path, { method = "GET", body, signal, headers = {} } = {}) {
  const init = { method, signal, headers: { accept: "application/json", ...headers } };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers["content-type"] = "application/json";
  }
  let response;
  try {
    response = await fetch(path, init);
  } catch (cause) {
    throw silent(cause);
  }
  if (!response.ok) throw await failureOf(response);
  return response;
}

async function failureOf(response) {
  const fallback = { title: response.statusText || "The request failed", status: response.status, request_id: response.headers.get("x-request-id") ?? "" };
  try {
    return new Failure({ ...fallback, ...await response.json() });
  } catch {
    return new Failure({ ...fallback, detail: `The server answered with status ${response.status} and no further word.` });
  }
}

async function json(path, options) {
  const response = await send(path, options);
  try {
    return response.status === 204 ? null : await response.json();
  } catch (cause) {
    throw silent(cause);
  }
}

const at = (path, values = {}) => {
  const query = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== undefined && value !== "" && value !== null));
  return query.size ? `${path}?${query}` : path;
};
const part = encodeURIComponent;

export const collections = (signal) => json(at("/v1/collections", { limit: 200 }), { signal });
export const collectionStats = (name, signal) => json(`/v1/collections/${part(name)}/stats`, { signal });
export const createCollection = (name) => json("/v1/collections", { method: "POST", body: { name } });
export const documents = (name, after, signal) => json(at(`/v1/collections/${part(name)}/documents`, { limit: 100, after }), { signal });
export const putDocument = (name, body) => json(`/v1/collections/${part(name)}/documents`, { method: "POST", body });
export const documentAt = (id, version, signal) => json(at(`/v1/documents/${part(id)}`, { version }), { signal });
export const versions = (id, signal) => json(at(`/v1/documents/${part(id)}/versions`), { signal });
export const textAt = (id, version, start, end, signal) =>
  json(at(`/v1/documents/${part(id)}/text`, { version, byte_start: start, byte_end: end }), { signal });
export const jobs = (after, signal) => json(at("/v1/jobs", { limit: 50, after }), { signal });
export const job = (id, signal) => json(`/v1/jobs/${part(id)}`, { signal });
export const jobItems = (id, { result, reason, after }, signal) => json(at(`/v1/jobs/${part(id)}/items`, { result, reason, limit: 100, after }), { signal });
export const cancelJob = (id) => json(`/v1/jobs/${part(id)}/cancel`, { method: "POST" });
export const createJob = (collection, path) => json("/v1/jobs", { method: "POST", body: { collection, path } });
export const search = (body, signal) => json("/v1/search", { method: "POST", body, signal });
export const ready = () => json("/readyz");

// answers yields the events of a streamed answer: {id, type, data}. When the line is lost it takes
// the stream up again after the last event it has seen, or, where the server has dropped it, asks
// anew, and yields {type: "resumed"} first.
export async function* answers(body, signal) {
  let last = 0;
  let begun = false;
  let stream = null;
  for (let tries = 0; ; tries++) {
    try {
      const headers = { accept: "text/event-stream" };
      if (stream && last) headers["last-event-id"] = String(last);
      const response = stream
        ? await send(stream, { signal, headers })
        : await send("/v1/answers", { method: "POST", body: { ...body, stream: true, resumable: true }, signal, headers });
      stream ??= response.headers.get("location");
      if (begun) yield { type: "resumed" };
      begun = true;
      for await (const event of events(response.body)) {
        if (event.type === "error") throw new Failure(event.data);
        yield event;
        if (event.type === "done") return;
        last = Number(event.id) || last;
        tries = 0;
      }
      throw silent(new TypeError("the stream ended early"));
    } catch (cause) {
      if (stream && cause instanceof Failure && cause.status === 404) {
        stream = null;
        continue;
      }
      const lost = cause instanceof TypeError || (cause instanceof Failure && cause.status === 0 && !cause.code);
      if (signal.aborted || !lost || !begun || tries >= 3) throw cause instanceof TypeError ? silent(cause) : cause;
      await new Promise((done) => setTimeout(done, 400 * 2 ** tries));
    }
  }
}

// events reads server-sent events (WHATWG HTML, 9.2) from a body.
async function* events(body) {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of chunks(body)) {
    const messages = (rest + decoder.decode(chunk, { stream: true })).replaceAll("\r\n", "\n").split("\n\n");
    rest = messages.pop();
    for (const message of messages) {
      const event = { id: "", type: "message", data: "" };
      for (const line of message.split("\n")) {
        const [, name, value] = /^(\w*): ?(.*)$/s.exec(line) ?? [];
        if (name === "event") event.type = value;
        else if (name === "id") event.id = value;
        else if (name === "data") event.data += (event.data && "\n") + value;
      }
      if (event.data) yield { ...event, data: JSON.parse(event.data) };
    }
  }
}

// Not every browser iterates over a stream.
async function* chunks(stream) {
  const reader = stream.getReader();
  try {
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) yield value;
  } finally {
    reader.cancel().catch(() => {});
  }
}
