// Package filter is the predicate tree that every search, count and access
// check shares: data, not code. A tree is parsed from JSON (in three
// spellings), validated, printed, simplified, evaluated against one document's
// attributes, and translated by each index into its own terms.
//
// The package knows nothing of documents, collections or callers.
package filter
