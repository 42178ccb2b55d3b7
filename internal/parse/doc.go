// Package parse turns a document's bytes into normalised text with its
// structure: rag.Parsed.
//
// Parsers is the main type; its formats stand in format.go, the one place to
// add another. A document that cannot be read ends in a *rag.Refusal with a
// reason of the closed set; a parser's own words never reach the caller, and
// its panics end that one document.
//
// Normalised text is valid UTF-8 with "\n" line ends and no byte order mark.
// Control characters other than newline and tab are replaced by spaces.
//
// It must not know collections, storage or chunks.
package parse
