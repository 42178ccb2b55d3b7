// Package chunk cuts a parsed document into the slices that are embedded and
// indexed.
//
// Boundaries are anchored in structure and content (headings, functions,
// paragraphs, sentences), never in a running count from the top, so that an
// edit moves only what it touches. Split cuts a document that is new; Resplit
// cuts a new version so that every chunk of the former one that still stands
// is kept. Sentences finds sentences in any text.
//
// It must not know where documents come from, how they are stored, nor which
// model embeds them: a token counter is all that it is given.
package chunk
