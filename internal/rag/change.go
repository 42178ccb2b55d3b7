package rag

import "time"

// ChangeKind names what a log entry records.
type ChangeKind string

// The kinds of change.
const (
	ChangePublished ChangeKind = "version_published"
	ChangeGone      ChangeKind = "version_gone"
	ChangeErased    ChangeKind = "versions_erased"
	ChangeAccess    ChangeKind = "access_changed"
	ChangeVectors   ChangeKind = "vectors_ready"
	ChangeCreated   ChangeKind = "collection_created"
	ChangeAltered   ChangeKind = "collection_altered"
	ChangeDropped   ChangeKind = "collection_dropped"
)

// Change is one entry of the log: all that a follower needs.
//
// Publishing a version replaces the document's previous one in the same
// entry: a follower drops every other version of that document. An entry that
// was read after a later one replaced it carries Superseded and no chunks; a
// follower leaves such a document as it is, because the later entry follows.
//
// Erasing concerns former versions: a follower forgets whatever it keeps of a
// document but its current version.
type Change struct {
	Seq        uint64
	Time       time.Time // of the commit
	Kind       ChangeKind
	Collection string // "" for ChangeVectors

	Document   *Document // published, gone (ID, URI and Version.Number only), erased (ID only), access (ID and Access only)
	Chunks     []Chunk   // published, unless Superseded
	Superseded bool

	Fingerprint string // vectors; published, where its collection's vectors are given: theirs
	TextHashes  []Hash // vectors

	Settings *Collection // created, altered
}

// Vector is an embedding by the hash of the text it embeds.
type Vector struct {
	TextHash Hash
	Values   []float32 // [dim], unit length
}
