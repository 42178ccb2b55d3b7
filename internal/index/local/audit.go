package local

import (
	"context"
	"errors"

	"github.com/quarry-search/quarry/internal/engine"
	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

// Stored is what the index holds of a document, without its words.
type Stored struct {
	ID      string
	Version int
	Access  []string
	Fields  map[string]filter.Value // rag.Document.Fields
	Chunks  []StoredChunk           // in order
}

// StoredChunk is a chunk of a stored document.
type StoredChunk struct {
	Ordinal  int
	TextHash rag.Hash
}

// reader is what an engine and a snapshot of it have in common.
type reader interface {
	Collections() []string
	Stored(collection, after string, limit int) ([]engine.Stored, error)
	Former(collection, after string, limit int) ([]engine.Former, error)
	Past(collection string) (engine.Past, error)
}

// Audit lists all that an index holds. Of an Index it is what holds at each
// call, of a Snapshot what held when that was made.
type Audit struct{ of reader }

// Audit returns lists of what the index holds.
func (x *Index) Audit() Audit { return Audit{x.engine} }

// Collections lists the collections that the index knows, by name.
func (a Audit) Collections() []string { return a.of.Collections() }

// Stored lists up to limit documents of a collection by id, after an id; more
// where the last stands more than once, which must not be. CodeNotFound for a
// collection that the index does not know.
func (a Audit) Stored(collection, after string, limit int) ([]Stored, error) {
	list, err := a.of.Stored(collection, after, limit)
	if err != nil {
		return nil, coded(err, collection)
	}
	out := make([]Stored, len(list))
	for i, d := range list {
		out[i] = storedOf(d)
	}
	return out, nil
}

func storedOf(d engine.Stored) Stored {
	out := Stored{ID: d.ID, Version: d.Version, Access: d.Access, Fields: d.Fields, Chunks: make([]StoredChunk, len(d.Rows))}
	for j, r := range d.Rows {
		out.Chunks[j] = StoredChunk{Ordinal: r.Ordinal, TextHash: r.Hash}
	}
	return out
}

// Former is what the index holds of a former version.
type Former struct {
	Stored
	From, Until uint64 // seqs at which it appeared and went; From is 0 where that was before history was kept
	At          string // its place in the list
}

// Former lists up to limit former versions of a collection's documents by id
// and age, after a place in the list; none where the past is not kept.
func (a Audit) Former(collection, after string, limit int) ([]Former, error) {
	list, err := a.of.Former(collection, after, limit)
	if err != nil {
		return nil, coded(err, collection)
	}
	out := make([]Former, len(list))
	for i, d := range list {
		out[i] = Former{storedOf(d.Stored), d.From, d.Until, d.At}
	}
	return out, nil
}

// Past tells whether former versions of a collection's documents are kept, and
// the oldest seq that can be read.
func (a Audit) Past(collection string) (oldest uint64, kept bool, err error) {
	past, err := a.of.Past(collection)
	return past.Oldest, past.Kept, coded(err, collection)
}

// Snapshot is the index at one seq. What holds it must not use the index before
// it closed it.
type Snapshot struct {
	Audit
	snapshot *engine.Snapshot
}

// Snapshot returns the index as it is now. Close it soon: it keeps files that
// were replaced, and the index's Close waits for it.
func (x *Index) Snapshot() (*Snapshot, error) {
	s, err := x.engine.Snapshot()
	if err != nil {
		return nil, coded(err, "")
	}
	return &Snapshot{Audit{s}, s}, nil
}

// Seq is the last entry that the snapshot shows.
func (s *Snapshot) Seq() uint64 { return s.snapshot.Seq() }

// Lost reports whether the snapshot lacks documents that a damaged file held.
func (s *Snapshot) Lost() bool { return s.snapshot.Lost() }

// Stats counts chunks and vectors of a collection.
func (s *Snapshot) Stats(_ context.Context, collection string) (rag.IndexStats, error) {
	rows, vectors, err := s.snapshot.Rows(collection)
	return rag.IndexStats{Chunks: rows, Vectors: vectors}, coded(err, collection)
}

// Close lets the snapshot's files go.
func (s *Snapshot) Close() { s.snapshot.Close() }

// problemsOf keeps those of a check's errors that name what is wrong.
func problemsOf(found []error) (list []rag.Problem) {
	for _, err := range found {
		var p *engine.Problem
		if errors.As(err, &p) {
			list = append(list, problem(p))
		}
	}
	return list
}
