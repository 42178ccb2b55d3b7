// Characters that a reader cannot see, or that reorder what he sees, are shown as marks;
// and offsets of the stored text, in code points and bytes, become offsets of a string.

// Controls but tab and newline, bidirectional controls, invisible separators, tag characters.
const odd = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/u;
const split = new RegExp(`(${odd.source})`, "u");

const code = (character) => `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;

// pieces returns text as strings and, for each odd character, {odd: "U+202E"}.
export function pieces(text) {
  if (!odd.test(text)) return [text];
  return text.split(split).filter(Boolean).map((part) => (odd.test(part) ? { odd: code(part) } : part));
}

// plain is for attributes, which hold no elements.
export const plain = (text) => pieces(text).map((part) => part.odd ? `[${part.odd}]` : part).join("");

// indexOfChar returns where code point number n of text starts, as an index of the string.
export function indexOfChar(text, n) {
  let index = 0;
  for (; n > 0 && index < text.length; n--) index += text.codePointAt(index) > 0xffff ? 2 : 1;
  return index;
}

// indexOfByte does the same for byte number n of the text as UTF-8.
export function indexOfByte(text, n) {
  let index = 0;
  while (n > 0 && index < text.length) {
    const point = text.codePointAt(index);
    n -= point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    index += point > 0xffff ? 2 : 1;
  }
  return index;
}
