// Package bm25 is lexical search: the analyzer that turns text into terms, the
// BM25 score of a posting, and the search for the best rows of a set of
// posting lists (block-max MaxScore), under a set of allowed rows.
//
// Scores are fixed-point integers: a sum does not depend on the order of its
// terms, so equal rows tie exactly and every way of computing a score agrees
// to the bit. The package knows lists and rows, not segments or documents.
package bm25
