package indextest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

// oracle is an index that a reader can check: maps, and loops over them.
type oracle struct {
	collections map[string]*held
}

// held is what the oracle holds of a collection.
type held struct {
	fingerprint string
	documents   map[string]*heldDocument
}

type heldDocument struct {
	rag.Document
	chunks  []rag.Chunk
	vectors map[rag.Hash][]float32
}

func (o *oracle) apply(c rag.IndexChange) {
	coll := o.collections[c.Collection]
	switch c.Kind {
	case rag.ChangeCreated:
		o.collections[c.Collection] = &held{fingerprint: c.Settings.Fingerprint, documents: map[string]*heldDocument{}}
	case rag.ChangeDropped:
		delete(o.collections, c.Collection)
	case rag.ChangePublished:
		if !c.Superseded {
			coll.documents[c.Document.ID] = &heldDocument{Document: *c.Document, chunks: c.Chunks, vectors: map[rag.Hash][]float32{}}
			coll.attach(c.Vectors)
		}
	case rag.ChangeGone:
		delete(coll.documents, c.Document.ID)
	case rag.ChangeAccess:
		if d := coll.documents[c.Document.ID]; d != nil {
			d.Access = c.Document.Access
		}
	case rag.ChangeVectors:
		for _, coll := range o.collections {
			if coll.fingerprint == c.Fingerprint {
				coll.attach(c.Vectors)
			}
		}
	}
}

// attach gives vectors to the chunks that lack them: those of one text share
// its vector, whichever entry brings it.
func (h *held) attach(vectors map[rag.Hash][]float32) {
	for _, d := range h.documents {
		for _, chunk := range d.chunks {
			if v := vectors[chunk.TextHash]; v != nil && d.vectors[chunk.TextHash] == nil {
				d.vectors[chunk.TextHash] = v
			}
		}
	}
}

func (o *oracle) versionOf(collection, id string) int {
	if coll := o.collections[collection]; coll != nil && coll.documents[id] != nil {
		return coll.documents[id].Version.Number
	}
	return 0
}

// found is a chunk that the oracle finds.
type found struct {
	key    rag.ChunkKey
	cosine float64
}

// visible calls f for each document that scope and filter let pass.
func (h *held) visible(s rag.Scope, by filter.Filter, f func(d *heldDocument)) {
	for _, d := range h.documents {
		fields := d.Fields()
		get := func(key string) (filter.Value, bool) { v, ok := fields[key]; return v, ok }
		if s.Allows(d.Access) && by.Match(get) {
			f(d)
		}
	}
}

// dense returns the chunks nearest to q, best first.
func (h *held) dense(s rag.Scope, by filter.Filter, q []float32) []found {
	var list []found
	h.visible(s, by, func(d *heldDocument) {
		for _, c := range d.chunks {
			v := d.vectors[c.TextHash]
			if v == nil {
				continue
			}
			var dot float64
			for i := range q {
				dot += float64(q[i]) * float64(v[i])
			}
			list = append(list, found{c.Key, dot})
		}
	})
	slices.SortFunc(list, func(a, b found) int {
		return cmp.Or(cmp.Compare(b.cosine, a.cosine), strings.Compare(a.key.DocumentID, b.key.DocumentID), cmp.Compare(a.key.Ordinal, b.key.Ordinal))
	})
	return list
}

// lexical returns the chunks that hold one of the words of q.
func (h *held) lexical(s rag.Scope, by filter.Filter, q string) map[rag.ChunkKey]bool {
	set := map[rag.ChunkKey]bool{}
	words := strings.Fields(q)
	h.visible(s, by, func(d *heldDocument) {
		for _, c := range d.chunks {
			for _, w := range strings.Fields(c.Text) {
				if slices.Contains(words, w) {
					set[c.Key] = true
				}
			}
		}
	})
	return set
}

// chunks counts the chunks that scope and filter let pass.
func (h *held) chunks(s rag.Scope, by filter.Filter) int {
	n := 0
	h.visible(s, by, func(d *heldDocument) { n += len(d.chunks) })
	return n
}
