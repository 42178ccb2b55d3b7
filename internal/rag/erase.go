package rag

import "context"

// Erased says that versions of a document were erased: an entry of the log
// (ChangeErased) that names them and holds nothing of them.
type Erased struct {
	Seq        uint64
	Collection string
	DocumentID string
	Versions   int // how many; unknown in what is read from the log
}

// Erasures is the part of the catalog about making content go for good, where
// deleting only makes it former.
type Erasures interface {
	// EraseVersions removes every former version of a document with all that
	// no other version shares: texts, originals, chunks, embeddings, their
	// hashes in the log. With whole it makes the current version gone first,
	// and the document's uri goes too; so it does for a document that was
	// deleted. What stays is its id, its access list and its entries in the log.
	//
	// CodeNotFound when the document has no version that the scope sees. With
	// nothing to erase it changes nothing: Versions is 0 and Seq the
	// document's. A non-zero ifSeq must be its Seq (CodePrecondition).
	EraseVersions(ctx context.Context, s Scope, id string, whole bool, ifSeq uint64) (Erased, error)
	// Erasures lists what was erased after a seq, oldest first.
	Erasures(ctx context.Context, after uint64) ([]Erased, error)
	// Scrub makes erased content leave the catalog's files. It rewrites them,
	// which holds up writers. CodeUnavailable while a long read needs what is to
	// go: try again.
	Scrub(ctx context.Context) error
}
