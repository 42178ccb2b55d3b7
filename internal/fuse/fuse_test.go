package fuse

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	_ "github.com/quarry-search/quarry/internal/rapidseed"

	"github.com/quarry-search/quarry/internal/rag"
)

func key(n int) rag.ChunkKey { return rag.ChunkKey{DocumentID: fmt.Sprintf("d%02d", n), Version: 1} }

func fixed(w float64) func(string) float64 { return func(string) float64 { return w } }

func leg(score float32, rank int) rag.LegScore {
	return rag.LegScore{Score: score, Rank: rank, Known: rank > 0}
}

func known(score float32) rag.LegScore { return rag.LegScore{Score: score, Known: true} }

func order(rs []Ranked) (ids []string) {
	for _, r := range rs {
		ids = append(ids, r.Collection+r.Key.DocumentID)
	}
	return ids
}

func TestFuseByHand(t *testing.T) {
	got := Fuse([]rag.Candidate{
		{Key: key(1), Dense: leg(0.9, 1), Lexical: known(0)},
		{Key: key(2), Dense: leg(0.7, 2), Lexical: leg(6, 1)},
		{Key: key(3), Dense: rag.LegScore{}, Lexical: leg(3, 2)}, // no vector yet
	}, 100, fixed(0.5))
	// dense: mean .8, std .1; lexical: 6, 3 and the known 0: mean 3, std √6.
	root6 := math.Sqrt(6)
	want := []Ranked{
		{Candidate: rag.Candidate{Key: key(1)}, DenseZ: 1, LexicalZ: -3 / root6, Score: (1 - 3/root6) / 2},
		{Candidate: rag.Candidate{Key: key(2)}, DenseZ: -1, LexicalZ: 3 / root6, Score: (-1 + 3/root6) / 2},
		{Candidate: rag.Candidate{Key: key(3)}, DenseZ: -1, LexicalZ: 0, Score: -0.5},
	}
	slices.SortFunc(want, func(a, b Ranked) int { return int(math.Copysign(1, b.Score-a.Score)) })
	if d := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-6), cmpopts.IgnoreFields(Ranked{}, "DenseWeight", "Candidate.Dense", "Candidate.Lexical")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestFuseOneLegKeepsItsScores(t *testing.T) {
	dense := Fuse([]rag.Candidate{{Key: key(2), Dense: leg(0.2, 2)}, {Key: key(1), Dense: leg(0.4, 1)}}, 100, fixed(0.3))
	if d := cmp.Diff([]string{"d01", "d02"}, order(dense)); d != "" || dense[0].Score != float64(float32(0.4)) || dense[0].DenseWeight != 1 {
		t.Errorf("dense only: %+v %s", dense, d)
	}
	lexical := Fuse([]rag.Candidate{{Key: key(1), Lexical: leg(7, 1)}}, 100, fixed(0.3))
	if lexical[0].Score != 7 || lexical[0].DenseWeight != 0 {
		t.Errorf("lexical only: %+v", lexical)
	}
	if got := Fuse(nil, 100, fixed(0.5)); len(got) != 0 {
		t.Errorf("nothing: %+v", got)
	}
}

func TestFuseEqualScores(t *testing.T) {
	got := Fuse([]rag.Candidate{
		{Key: key(3), Dense: leg(0.5, 1), Lexical: leg(2, 1)},
		{Key: key(1), Dense: leg(0.5, 2), Lexical: leg(2, 2)},
		{Key: key(2), Dense: leg(0.5, 3), Lexical: leg(2, 3)},
	}, 100, fixed(0.5))
	if d := cmp.Diff([]string{"d01", "d02", "d03"}, order(got)); d != "" {
		t.Errorf("ties go by key (-want +got):\n%s", d)
	}
	for _, r := range got {
		if r.Score != 0 {
			t.Errorf("score %v, want 0", r.Score)
		}
	}
}

// A word that one chunk alone holds outweighs a small lead in cosine.
func TestFuseRareWordTells(t *testing.T) {
	var cs []rag.Candidate
	for i := range 100 {
		cs = append(cs, rag.Candidate{Key: key(i), Dense: leg(0.6-float32(i)/1000, i+1), Lexical: known(0)})
	}
	cs[40].Lexical = leg(9, 1)
	if got := Fuse(cs, 100, fixed(DefaultDenseWeight)); got[0].Key != key(40) {
		t.Errorf("first is %v", got[0].Key)
	}
}

func TestFuseMergesCollections(t *testing.T) {
	got := Fuse([]rag.Candidate{
		{Collection: "a", Key: key(1), Dense: leg(0.9, 1)},
		{Collection: "a", Key: key(2), Dense: leg(0.3, 2)},
		{Collection: "b", Key: key(1), Dense: leg(0.8, 1)},
	}, 2, fixed(0.5))
	if d := cmp.Diff([]string{"ad01", "bd01"}, order(got)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got[1].Dense.Rank != 2 {
		t.Errorf("merged rank %d, want 2", got[1].Dense.Rank)
	}
}

func TestFuseWeightsByCollection(t *testing.T) {
	cs := []rag.Candidate{
		{Collection: "a", Key: key(1), Dense: leg(0.9, 1), Lexical: leg(1, 2)},
		{Collection: "b", Key: key(1), Dense: leg(0.1, 2), Lexical: leg(2, 1)},
	}
	weight := func(c string) float64 { return map[string]float64{"a": 1, "b": 0}[c] }
	got := Fuse(cs, 10, weight)
	if got[0].Score != got[1].Score || got[0].Score <= 0 {
		t.Errorf("each should lead by its own leg: %+v", got)
	}
}

func drawCandidates(t *rapid.T) []rag.Candidate {
	n := rapid.IntRange(0, 40).Draw(t, "n")
	score := rapid.Custom(func(t *rapid.T) rag.LegScore {
		s := rag.LegScore{Score: float32(rapid.IntRange(-20, 20).Draw(t, "score")) / 8}
		s.Rank = rapid.IntRange(0, 1).Draw(t, "ranked")
		s.Known = s.Rank > 0 || rapid.Bool().Draw(t, "known")
		return s
	})
	cs := make([]rag.Candidate, n)
	for i := range cs {
		cs[i] = rag.Candidate{
			Collection: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "collection"),
			Key:        key(i), Dense: score.Draw(t, "dense"), Lexical: score.Draw(t, "lexical"),
		}
	}
	return cs
}

// The ranking does not depend on the order of the input, holds only candidates
// that a leg ranked, never more than both limits, and no score is undefined.
func TestFuseProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cs := drawCandidates(t)
		limit := rapid.IntRange(1, 30).Draw(t, "limit")
		w := float64(rapid.IntRange(0, 10).Draw(t, "w")) / 10
		got := Fuse(cs, limit, fixed(w))
		shuffled := rapid.Permutation(cs).Draw(t, "shuffled")
		if d := cmp.Diff(got, Fuse(shuffled, limit, fixed(w))); d != "" {
			t.Fatalf("the order of the input shows:\n%s", d)
		}
		if len(got) > 2*limit {
			t.Fatalf("%d results from two legs of %d", len(got), limit)
		}
		for i, r := range got {
			if math.IsNaN(r.Score) || math.IsInf(r.Score, 0) {
				t.Fatalf("score %v", r.Score)
			}
			if i > 0 && r.Score > got[i-1].Score {
				t.Fatalf("not ordered at %d", i)
			}
			if r.Dense.Rank == 0 && r.Lexical.Rank == 0 {
				t.Fatalf("%v was ranked by no leg", r.Key)
			}
		}
	})
}

// A candidate that beats another in both legs stands before it.
func TestFuseRespectsDominance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		got := Fuse(drawCandidates(t), 30, fixed(0.5))
		for i, a := range got {
			for _, b := range got[i+1:] {
				if b.DenseZ > a.DenseZ && b.LexicalZ > a.LexicalZ && b.Score != a.Score {
					oneLeg := b.DenseWeight == 0 || b.DenseWeight == 1
					if !oneLeg {
						t.Fatalf("%+v stands before %+v", a, b)
					}
				}
			}
		}
	})
}
