package indextest

import (
	"context"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

// dim is the dimension of the suite's vectors.
const dim = 64

const model = "model-1"

var everything = rag.SystemScope("conformance test")

// tester is what the suite needs of testing.T and rapid.T.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
}

// feed writes a log into an index and keeps the model beside it.
type feed struct {
	index   rag.Index
	seq     uint64
	oracle  oracle
	pending []rag.IndexChange
}

func newFeed(index rag.Index) *feed {
	return &feed{index: index, oracle: oracle{collections: map[string]*held{}}}
}

// doc is a document as tests write them: each text a chunk.
type doc struct {
	id     string
	texts  []string
	access []string
	fields map[string]filter.Value
	embed  bool // vectors come with the entry
}

func (f *feed) add(c rag.Change, vectors map[rag.Hash][]float32) {
	f.seq++
	c.Seq = f.seq
	change := rag.IndexChange{Change: c, Vectors: vectors}
	f.pending = append(f.pending, change)
	f.oracle.apply(change)
}

func (f *feed) create(collection string) {
	f.add(rag.Change{Kind: rag.ChangeCreated, Collection: collection, Settings: &rag.Collection{Name: collection, Fingerprint: model}}, nil)
}

func (f *feed) drop(collection string) {
	f.add(rag.Change{Kind: rag.ChangeDropped, Collection: collection}, nil)
}

func (f *feed) publish(collection string, d doc) {
	version := f.oracle.versionOf(collection, d.id) + 1
	document := rag.Document{
		ID: d.id, Collection: collection, URI: "test/" + d.id, Access: d.access,
		Version: rag.Version{Number: version, Title: "", Kind: rag.KindText, Attributes: d.fields},
	}
	change := rag.Change{Kind: rag.ChangePublished, Collection: collection, Document: &document}
	vectors := map[rag.Hash][]float32{}
	for i, text := range d.texts {
		h := rag.TextHash("", text)
		change.Chunks = append(change.Chunks, rag.Chunk{Key: rag.ChunkKey{DocumentID: d.id, Version: version, Ordinal: i}, TextHash: h, Text: text})
		if d.embed {
			vectors[h] = vectorOf(text)
		}
	}
	f.add(change, vectors)
}

func (f *feed) gone(collection, id string) {
	version := f.oracle.versionOf(collection, id)
	f.add(rag.Change{Kind: rag.ChangeGone, Collection: collection, Document: &rag.Document{ID: id, Version: rag.Version{Number: version}}}, nil)
}

func (f *feed) access(collection, id string, labels []string) {
	f.add(rag.Change{Kind: rag.ChangeAccess, Collection: collection, Document: &rag.Document{ID: id, Access: labels}}, nil)
}

// vectors announces the vectors of texts, made by fingerprint.
func (f *feed) vectors(fingerprint string, texts ...string) {
	change := rag.Change{Kind: rag.ChangeVectors, Fingerprint: fingerprint}
	vectors := map[rag.Hash][]float32{}
	for _, text := range texts {
		h := rag.TextHash("", text)
		change.TextHashes = append(change.TextHashes, h)
		vectors[h] = vectorOf(text)
	}
	f.add(change, vectors)
}

// flush applies what was written since the last time, as one batch.
func (f *feed) flush(t tester) {
	t.Helper()
	if err := f.index.Apply(context.Background(), f.pending); err != nil {
		t.Fatalf("apply %d changes: %v", len(f.pending), err)
	}
	f.pending = nil
	if got := f.index.Applied(); got != f.seq {
		t.Fatalf("Applied is %d after entry %d", got, f.seq)
	}
}

// search returns the candidates of a query on collection "c".
func (f *feed) search(t tester, s rag.Scope, q rag.LegQuery) rag.Candidates {
	t.Helper()
	if q.Collection == "" {
		q.Collection = "c"
	}
	got, err := f.index.Search(context.Background(), s, q)
	if err != nil {
		t.Fatalf("search: %v", err)
	}
	return got
}

// ids are the documents of candidates, in their order.
func ids(c rag.Candidates) []string {
	list := []string{}
	for _, x := range c.Candidates {
		list = append(list, x.Key.DocumentID)
	}
	return list
}

// vectorOf is the test's embedding: a random direction per text.
func vectorOf(text string) []float32 {
	h := rag.TextHash("", text)
	r := rand.New(rand.NewPCG(uint64(h[0])|uint64(h[1])<<8|uint64(h[2])<<16|uint64(h[3])<<24, 7))
	v := make([]float32, dim)
	var norm float64
	for i := range v {
		v[i] = float32(r.NormFloat64())
		norm += float64(v[i]) * float64(v[i])
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(norm))
	}
	return v
}

// opened returns a feed on a new index, closed when the test ends.
func opened(t *testing.T, open func(t *testing.T) rag.Index) *feed {
	t.Helper()
	index := open(t)
	t.Cleanup(func() {
		if err := index.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return newFeed(index)
}

func number(i int) string { return strconv.Itoa(i) }
