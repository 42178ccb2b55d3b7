package catalogtest

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/internal/rag"
)

func testEmbeddings(t *testing.T, f *fixture) {
	f.collection("notes")
	f.collection("other")
	p := Doc("notes", "a", paragraphs(4, "First"))
	f.put(p)
	out := f.put(Doc("other", "a", paragraphs(4, "First")))
	if out.NewChunks != 0 {
		t.Errorf("the same text in another collection has %d new chunks", out.NewChunks)
	}
	h := hashes(p.Chunks)
	missing, err := f.Missing(f.ctx, "model-a", []rag.Hash{h[2], h[0], h[2], h[1], h[3]})
	f.must(err)
	if want := []rag.Hash{h[2], h[0], h[1], h[3]}; !cmp.Equal(missing, want) {
		t.Errorf("missing %v, want %v", missing, want)
	}
	vs := []rag.Vector{{TextHash: h[0], Values: Unit(8, 0)}, {TextHash: h[2], Values: Unit(8, 2)}}
	seq, err := f.PutVectors(f.ctx, "model-a", vs, "embedder", out.Seq)
	f.must(err)
	if cursor, _ := f.Cursor(f.ctx, "embedder"); cursor != out.Seq || seq != out.Seq+1 {
		t.Errorf("cursor %d and seq %d after %d", cursor, seq, out.Seq)
	}
	missing, err = f.Missing(f.ctx, "model-a", h)
	f.must(err)
	if want := []rag.Hash{h[1], h[3]}; !cmp.Equal(missing, want) {
		t.Errorf("missing %v, want %v", missing, want)
	}
	if missing, err := f.Missing(f.ctx, "model-b", h); err != nil || len(missing) != 4 {
		t.Errorf("another model misses %v, %v", missing, err)
	}
	got, err := f.Vectors(f.ctx, "model-a", h)
	f.must(err)
	if want := map[rag.Hash][]float32{h[0]: Unit(8, 0), h[2]: Unit(8, 2)}; !cmp.Equal(got, want) {
		t.Errorf("vectors %v, want %v", got, want)
	}
	if got, err := f.Vectors(f.ctx, "model-b", h); err != nil || len(got) != 0 {
		t.Errorf("another model has %v, %v", got, err)
	}

	same, err := f.PutVectors(f.ctx, "model-a", nil, "embedder", seq)
	f.must(err)
	if cursor, _ := f.Cursor(f.ctx, "embedder"); same != seq || cursor != seq {
		t.Errorf("no vectors: seq %d and cursor %d, want %d", same, cursor, seq)
	}
	if n := len(f.changes(seq)); n != 0 {
		t.Errorf("no vectors appended %d entries", n)
	}
	nan := Unit(8, 1)
	nan[3] = float32(math.NaN())
	for name, v := range map[string][]float32{"NaN": nan, "not unit": {1, 1, 0, 0, 0, 0, 0, 0}, "zero": make([]float32, 8), "dimension": Unit(4, 1), "none": nil} {
		_, err := f.PutVectors(f.ctx, "model-a", []rag.Vector{{TextHash: h[1], Values: v}}, "embedder", seq+5)
		if rag.CodeOf(err) != rag.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if cursor, _ := f.Cursor(f.ctx, "embedder"); cursor != seq {
		t.Errorf("a refused vector moved the cursor to %d", cursor)
	}
}

func testEmbeddingsMany(t *testing.T, f *fixture) {
	const n = 10_000
	hashes := make([]rag.Hash, n)
	vs := make([]rag.Vector, 0, n/2)
	for i := range hashes {
		hashes[i] = rag.HashBytes(fmt.Append(nil, i))
		if i%2 == 0 {
			vs = append(vs, rag.Vector{TextHash: hashes[i], Values: Unit(8, i)})
		}
	}
	_, err := f.PutVectors(f.ctx, "model-a", vs, "embedder", 0)
	f.must(err)
	missing, err := f.Missing(f.ctx, "model-a", hashes)
	f.must(err)
	if len(missing) != n/2 || missing[1] != hashes[3] {
		t.Errorf("%d of %d are missing", len(missing), n)
	}
	got, err := f.Vectors(f.ctx, "model-a", hashes)
	f.must(err)
	if len(got) != n/2 || !cmp.Equal(got[hashes[9998]], Unit(8, 9998)) {
		t.Errorf("read %d vectors", len(got))
	}
}

func testCounts(t *testing.T, f *fixture) {
	c := f.collection("notes")
	p := Doc("notes", "a", paragraphs(4, "First"))
	f.put(p)
	f.put(Doc("notes", "b", "Other."))
	want := rag.CollectionCounts{Documents: 2, Chunks: 5, TextBytes: int64(len(p.Text) + len("Other."))}
	count := func() {
		t.Helper()
		got, err := f.CountCollection(f.ctx, all, "notes")
		f.must(err)
		if got != want {
			t.Errorf("counted %+v, want %+v", got, want)
		}
	}
	count()
	_, err := f.PutVectors(f.ctx, "model-a", []rag.Vector{
		{TextHash: p.Chunks[0].TextHash, Values: Unit(8, 0)}, {TextHash: p.Chunks[1].TextHash, Values: Unit(8, 1)},
		{TextHash: rag.HashBytes([]byte("of no document")), Values: Unit(8, 2)},
	}, "embedder", 0)
	f.must(err)
	want.Embedded = 2
	count()
	c.Fingerprint = "model-b"
	_, err = f.AlterCollection(f.ctx, c, 0)
	f.must(err)
	want.Embedded = 0
	count()
	_, err = f.DeleteDocument(f.ctx, all, rag.DocumentID("notes", "a"), 0)
	f.must(err)
	want = rag.CollectionCounts{Documents: 1, Chunks: 1, TextBytes: 6}
	count()
	_, err = f.CountCollection(f.ctx, all, "none")
	f.code(err, rag.CodeNotFound)
}
