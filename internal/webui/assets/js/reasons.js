// Why a document was skipped or failed, in words, with what would help. The codes are the API's.
const words = {
  too_large: ["Too large", "It is over the size limit. Split it, or raise the limit."],
  unsupported: ["Kind not supported", "There is no parser for documents of this kind."],
  encrypted: ["Encrypted", "It needs a password. Export it without one."],
  empty: ["Empty", "There are no bytes in it."],
  no_text: ["No text found", "It was read, but holds no text. A scan needs text recognition first."],
  encoding: ["Encoding unknown", "It is not text in an encoding that could be told. Save it as UTF-8."],
  unreadable: ["Unreadable", "The system did not let it be read. Look at its permissions."],
  symlink: ["Symbolic link", "It leads in a circle, or out of the folder."],
  name: ["Name not usable", "Its name cannot be written as a uri. Rename it."],
  changed: ["Changed while read", "It changed each time that it was read. It will be tried again when it rests."],
  policy: ["Ignored by rule", "Hidden, or in a version control folder."],
  parse: ["Damaged", "Its parser could not make sense of it. Open it and save it again."],
  timeout: ["Parser took too long", "It was stopped at the time limit."],
  memory: ["Parser needed too much memory", "It was stopped at the memory limit."],
  canceled: ["Canceled", "The job was canceled before its turn."],
  invalid: ["Request not valid", "What was sent for it is wrong: see the detail."],
  internal: ["Internal error", "The server's log has more, by the job's id."],
};

// reasonWords gives {title, remedy} of a reason's code.
export function reasonWords(reason) {
  const [title, remedy] = words[reason] ?? [reason || "No reason given", ""];
  return { title, remedy };
}
