package catalogtest

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/internal/rag"
)

// given creates a collection whose vectors are given.
func (f *fixture) given(name string, metric rag.Metric, dim int) rag.Collection {
	f.t.Helper()
	c, err := f.CreateCollection(f.ctx, rag.Collection{
		Name: name, Fingerprint: rag.NewGivenFingerprint(),
		Settings: rag.Settings{Vectors: rag.VectorSettings{Source: rag.VectorsGiven, Metric: metric, Dimension: dim}},
	})
	f.must(err)
	return c
}

// withVectors gives the chunks of a publication vectors; nil leaves one out.
func withVectors(p rag.Publication, vectors ...[]float32) rag.Publication {
	p.Vectors, p.Chunks = vectors, slices.Clone(p.Chunks)
	for i, v := range vectors {
		if k := &p.Chunks[i]; v != nil {
			k.TextHash = rag.GivenHash(k.Context, k.Text, v)
		}
	}
	return p
}

func testGiven(t *testing.T, f *fixture) {
	c := f.given("own", rag.MetricL2, 3)
	other := f.given("other", rag.MetricCosine, 2)
	f.collection("notes")
	doc := Doc("own", "a", paragraphs(3, "First"))
	p := withVectors(doc, []float32{0, 0, 0}, nil, []float32{30, 40, 0})
	first := f.put(p)
	again := f.put(p)
	if first.Result != rag.Indexed || again.Result != rag.Unchanged {
		t.Errorf("put %s, then %s", first.Result, again.Result)
	}
	h := hashes(p.Chunks)
	got, err := f.Vectors(f.ctx, c.Fingerprint, h)
	f.must(err)
	if want := map[rag.Hash][]float32{h[0]: {0, 0, 0}, h[2]: {30, 40, 0}}; !cmp.Equal(got, want) {
		t.Errorf("vectors %v, want %v", got, want)
	}
	n, err := f.CountCollection(f.ctx, all, "own")
	f.must(err)
	if n.Chunks != 3 || n.Embedded != 2 {
		t.Errorf("counted %+v", n)
	}
	// The same text with another vector is another version.
	moved := f.put(withVectors(doc, []float32{0, 0, 1}, nil, []float32{30, 40, 0}))
	if moved.Result != rag.Indexed || moved.NewChunks != 1 || moved.Document.Version.Number != 2 {
		t.Errorf("after a vector moved: %+v", moved)
	}
	f.put(withVectors(Doc("other", "b", "Short."), []float32{0.6, 0.8}))
	f.put(Doc("notes", "c", "Short."))
	for _, ch := range f.changes(0) {
		if ch.Kind != rag.ChangePublished {
			continue
		}
		if want := map[string]string{"own": c.Fingerprint, "other": other.Fingerprint}[ch.Collection]; ch.Fingerprint != want {
			t.Errorf("the entry of a version in %s names the fingerprint %q, not %q", ch.Collection, ch.Fingerprint, want)
		}
	}
	// A collection of the same name begins without the vectors of the former.
	_, err = f.DropCollection(f.ctx, "own", 0)
	f.must(err)
	if got, err = f.Vectors(f.ctx, c.Fingerprint, h); err != nil || len(got) != 0 {
		t.Errorf("after the collection was dropped: %v, %v", got, err)
	}
	if next := f.given("own", rag.MetricDot, 4); next.Fingerprint == c.Fingerprint {
		t.Error("two collections share a fingerprint")
	}
}

func testGivenInvalid(t *testing.T, f *fixture) {
	f.given("l2", rag.MetricL2, 3)
	f.given("cosine", rag.MetricCosine, 3)
	f.collection("notes")
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	head, err := f.Head(f.ctx)
	f.must(err)
	for name, bad := range map[string]struct {
		collection string
		vector     []float32
	}{
		"dimension":   {"l2", []float32{1, 2}},
		"NaN":         {"l2", []float32{nan, 0, 0}},
		"infinity":    {"cosine", []float32{0, inf, 0}},
		"too long":    {"l2", []float32{3e38, 0, 0}},
		"zero":        {"cosine", []float32{0, 0, 0}},
		"not unit":    {"cosine", []float32{3, 4, 0}},
		"not its own": {"notes", []float32{1, 0, 0}},
	} {
		_, err := f.Publish(f.ctx, withVectors(Doc(bad.collection, "a", "Short."), bad.vector))
		if rag.CodeOf(err) != rag.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := withVectors(Doc("l2", "a", "Short."), []float32{1, 2, 3})
	p.Vectors = append(p.Vectors, nil)
	_, err = f.Publish(f.ctx, p)
	f.code(err, rag.CodeInvalid)
	p = withVectors(Doc("l2", "a", "Short."), []float32{1, 2, 3})
	p.Vectors[0] = []float32{1, 2, 4}
	_, err = f.Publish(f.ctx, p)
	f.code(err, rag.CodeInvalid)
	if now, err := f.Head(f.ctx); err != nil || now != head {
		t.Errorf("a refused vector moved the log from %d to %d, %v", head, now, err)
	}
	for _, s := range []rag.VectorSettings{
		{Source: rag.VectorsGiven}, {Source: rag.VectorsGiven, Dimension: 4097}, {Source: rag.VectorsGiven, Dimension: 3, Metric: "hamming"},
		{Source: rag.VectorsGiven, Dimension: 3, Path: "fast"}, {Source: "taken", Dimension: 3},
	} {
		_, err := f.CreateCollection(f.ctx, rag.Collection{Name: "bad", Fingerprint: rag.NewGivenFingerprint(), Settings: rag.Settings{Vectors: s}})
		f.code(err, rag.CodeInvalid)
	}
	_, err = f.CreateCollection(f.ctx, rag.Collection{Name: "bad", Fingerprint: "model-a", Settings: rag.Settings{Vectors: rag.VectorSettings{Source: rag.VectorsGiven, Dimension: 3}}})
	f.code(err, rag.CodeInvalid)
	c, err := f.Collection(f.ctx, all, "l2")
	f.must(err)
	c.Settings.Vectors.Path = rag.PathExact
	_, err = f.AlterCollection(f.ctx, c, 0)
	f.must(err)
	c.Settings.Vectors.Metric = rag.MetricDot
	_, err = f.AlterCollection(f.ctx, c, 0)
	f.code(err, rag.CodeInvalid)
}
