// The state of a page lives in its address. The question and its filters stand in the fragment,
// which no browser sends: they reach no server or proxy log.

export const read = () => Object.fromEntries(new URLSearchParams(location.hash.slice(1)));

// write changes the fragment; an empty value removes its key. A new question makes a new entry
// in the history, anything else replaces the present one.
export function write(changes, { push = false } = {}) {
  const values = new URLSearchParams(location.hash.slice(1));
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined || value === null || value === "") values.delete(key);
    else values.set(key, value);
  }
  const hash = values.size ? `#${values}` : "";
  if (hash === location.hash) return;
  history[push ? "pushState" : "replaceState"](null, "", location.pathname + location.search + hash);
}

// addressOf names a span of a version: it opens the document there, today and later.
export const addressOf = ({ document_id: id, version, span }) =>
  `/d/${encodeURIComponent(id)}#v=${version}&b=${span.byte_start}-${span.byte_end}`;
