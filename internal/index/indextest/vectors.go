package indextest

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/quarry-search/quarry/internal/rag"
)

// given creates the collection "c" with vectors of its own.
func (f *feed) given(s rag.VectorSettings) {
	s.Source = rag.VectorsGiven
	f.add(rag.Change{Kind: rag.ChangeCreated, Collection: "c", Settings: &rag.Collection{
		Name: "c", Fingerprint: "given:test", Settings: rag.Settings{Vectors: s},
	}}, nil)
}

// publishGiven publishes a document of one chunk with its vector.
func (f *feed) publishGiven(id, text string, vector []float32) rag.Hash {
	h := rag.GivenHash("", text, vector)
	key := rag.ChunkKey{DocumentID: id, Version: f.oracle.versionOf("c", id) + 1}
	d := rag.Document{ID: id, Collection: "c", URI: "test/" + id, Access: []string{rag.Everyone}, Version: rag.Version{Number: key.Version, Kind: rag.KindText}}
	f.add(rag.Change{
		Kind: rag.ChangePublished, Collection: "c", Document: &d, Fingerprint: "given:test",
		Chunks: []rag.Chunk{{Key: key, TextHash: h, Text: text}},
	}, map[rag.Hash][]float32{h: vector})
	return h
}

// testMetric wants the exact leg's order and scores to be the metric's, and
// the default leg to find nine in ten of them, whatever the lengths.
func testMetric(t *testing.T, f *feed, metric rag.Metric) {
	const dim, rows = 101, 2600
	f.given(rag.VectorSettings{Metric: metric, Dimension: dim})
	r := rand.New(rand.NewPCG(3, 3))
	vector := func() []float32 {
		v := make([]float32, dim)
		by := float32(1)
		if metric != rag.MetricCosine {
			by = 0.5 + r.Float32()
		}
		var square float64
		for i := range v {
			v[i] = by * (float32(r.NormFloat64()) + 0.3)
			square += float64(v[i]) * float64(v[i])
		}
		for i := range v {
			if metric == rag.MetricCosine {
				v[i] /= float32(math.Sqrt(square))
			}
		}
		return v
	}
	vectors := map[string][]float32{}
	for i := range rows {
		id := "d" + number(i)
		vectors[id] = vector()
		f.publishGiven(id, "text", vectors[id])
		if i%650 == 649 {
			f.flush(t)
		}
	}
	hits := 0
	for range 10 {
		q := rag.LegQuery{Vector: vector(), Limit: 10, Exact: true}
		exact := f.search(t, everything, q).Candidates
		worst := math.Inf(1)
		best := map[string]bool{}
		for _, c := range exact {
			want := score(metric, q.Vector, vectors[c.Key.DocumentID])
			if math.Abs(want-float64(c.Dense.Score)) > 1e-4*(1+math.Abs(want)) || want > worst+1e-3 {
				t.Fatalf("score %v after %v, in truth %v", c.Dense.Score, worst, want)
			}
			worst = want
			best[c.Key.DocumentID] = true
		}
		for id, v := range vectors {
			if !best[id] && score(metric, q.Vector, v) > worst+1e-3 {
				t.Fatalf("%s is better than the tenth", id)
			}
		}
		q.Exact = false
		for _, c := range f.search(t, everything, q).Candidates {
			if best[c.Key.DocumentID] {
				hits++
			}
		}
	}
	if hits < 90 {
		t.Errorf("the default leg found %d of 100", hits)
	}
}

func score(metric rag.Metric, q, v []float32) (s float64) {
	for i := range q {
		if metric == rag.MetricL2 {
			s -= (float64(q[i]) - float64(v[i])) * (float64(q[i]) - float64(v[i]))
		} else {
			s += float64(q[i]) * float64(v[i])
		}
	}
	return s
}

func testExactPath(t *testing.T, f *feed) {
	f.given(rag.VectorSettings{Metric: rag.MetricDot, Dimension: 3, Path: rag.PathExact})
	for i := range 2600 {
		f.publishGiven("d"+number(i), "text", []float32{float32(i), 1, -1})
	}
	f.flush(t)
	got := f.search(t, everything, rag.LegQuery{Vector: []float32{1, 0, 0}, Limit: 3})
	if got.DensePath != "exact" || len(got.Candidates) != 3 || got.Candidates[0].Dense.Score != 2599 {
		t.Errorf("path %q, candidates %+v", got.DensePath, got.Candidates)
	}
}

func testGivenBadInput(t *testing.T, f *feed) {
	f.given(rag.VectorSettings{Metric: rag.MetricL2, Dimension: 3})
	f.publishGiven("a", "alpha", []float32{0, 0, 0}) // no direction, but a place
	f.flush(t)
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	for _, v := range [][]float32{{1, 2}, {1, 2, 3, 4}, {nan, 0, 0}, {0, 0, inf}, {3e38, 3e38, 0}} {
		_, err := f.index.Search(context.Background(), everything, rag.LegQuery{Collection: "c", Vector: v, Limit: 1})
		wantCode(t, err, rag.CodeInvalid)
		f.publishGiven("b", "beta", v)
		if err := f.index.Apply(context.Background(), f.pending); err == nil {
			t.Errorf("the vector %v was applied", v)
		}
		f.seq -= uint64(len(f.pending))
		f.pending = nil
	}
	got := f.search(t, everything, rag.LegQuery{Vector: []float32{3, 4, 0}, Limit: 9})
	if len(got.Candidates) != 1 || got.Candidates[0].Dense.Score != -25 {
		t.Errorf("%+v", got.Candidates)
	}
}
