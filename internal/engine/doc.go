// Package engine is the embedded index: many collections of documents with
// their rows (chunks), searched by meaning and by words under one allowed set.
//
// An Engine follows a log. Apply turns a batch of changes into a new snapshot
// and publishes it at once; a search pins the snapshot that it started on.
// A snapshot of a collection is a list of immutable segments (package segment)
// and, for each, the set of its documents that are still live. A document's
// rows stand in one segment; whatever changes a document (a new version, its
// access list, vectors that became ready) writes it anew and marks the old one
// dead, and merging leaves the dead behind.
//
// The engine knows filters, but not the nouns of package rag: no catalog, no
// principals, no models.
package engine
