package local

import (
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

// Collections lists the collections that the index knows, by name.
func (x *Index) Collections() []string { return x.engine.Collections() }

// Stored lists up to limit documents of a collection by id, after an id; more
// where the last stands more than once, which must not be. CodeNotFound for a
// collection that the index does not know.
func (x *Index) Stored(collection, after string, limit int) ([]Stored, error) {
	list, err := x.engine.Stored(collection, after, limit)
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
func (x *Index) Former(collection, after string, limit int) ([]Former, error) {
	list, err := x.engine.Former(collection, after, limit)
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
func (x *Index) Past(collection string) (oldest uint64, kept bool, err error) {
	past, err := x.engine.Past(collection)
	return past.Oldest, past.Kept, coded(err, collection)
}

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
