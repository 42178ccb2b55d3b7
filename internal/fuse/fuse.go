package fuse

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/quarry-search/quarry/internal/rag"
)

// DefaultDenseWeight is the dense leg's share where a collection sets none.
//
// Measured nDCG@10 of fused z-scores by weight, over scifact, cranfield,
// cosqa, npl, debian-packages and squad: a fixed 0.5 gives 0.658 on the mean,
// 0.6 gives 0.661, the best fixed weight of each set 0.672. Prose wants 0.4 to
// 0.6 and loses little in between, questions to code want 0.9: so a value on
// the dense side of the middle, and an override per collection.
const DefaultDenseWeight = 0.55

// Ranked is a candidate with its place in the joint ranking.
type Ranked struct {
	rag.Candidate         // ranks in the legs are those of the merged collections
	DenseWeight   float64 // share of the dense leg in Score
	DenseZ        float64 // normalised scores: standard deviations from the leg's mean
	LexicalZ      float64
	Score         float64
}

// Fuse ranks the candidates of one or more collections, best first; ties are
// ordered by collection and key.
//
// Each leg's candidates are first merged over the collections and cut to
// limit. Then every candidate scores
//
//	w · z(dense) + (1-w) · z(lexical)
//
// where z takes mean and standard deviation from the leg's top candidates (a
// leg that found fewer than limit is filled up with the known scores of the
// others, so that a word found in one chunk alone still tells). A candidate
// that a leg did not rank counts with its true score there when the index
// knows it, else with the leg's worst. When only one leg ranked anything its
// own scores are the fused scores.
func Fuse(candidates []rag.Candidate, limit int, weight func(collection string) float64) []Ranked {
	ranked := make([]Ranked, len(candidates))
	for i, c := range candidates {
		ranked[i] = Ranked{Candidate: c, DenseWeight: weight(c.Collection)}
	}
	denseLeg := func(r *Ranked) *rag.LegScore { return &r.Dense }
	lexicalLeg := func(r *Ranked) *rag.LegScore { return &r.Lexical }
	mergeLeg(ranked, limit, denseLeg)
	mergeLeg(ranked, limit, lexicalLeg)
	ranked = slices.DeleteFunc(ranked, func(r Ranked) bool { return r.Dense.Rank == 0 && r.Lexical.Rank == 0 })

	dense := measure(ranked, limit, denseLeg)
	lexical := measure(ranked, limit, lexicalLeg)
	for i := range ranked {
		r := &ranked[i]
		r.DenseZ, r.LexicalZ = dense.z(r.Dense), lexical.z(r.Lexical)
		switch {
		case lexical.found == 0:
			r.DenseWeight, r.Score = 1, float64(r.Dense.Score)
		case dense.found == 0:
			r.DenseWeight, r.Score = 0, float64(r.Lexical.Score)
		default:
			r.Score = r.DenseWeight*r.DenseZ + (1-r.DenseWeight)*r.LexicalZ
		}
	}
	slices.SortFunc(ranked, func(a, b Ranked) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), compareKeys(a.Candidate, b.Candidate))
	})
	return ranked
}

// mergeLeg ranks one leg's candidates of all collections together and takes
// the rank from those beyond limit; their score stays known.
func mergeLeg(ranked []Ranked, limit int, leg func(*Ranked) *rag.LegScore) {
	var found []*Ranked
	for i := range ranked {
		if leg(&ranked[i]).Rank > 0 {
			found = append(found, &ranked[i])
		}
	}
	slices.SortFunc(found, func(a, b *Ranked) int {
		return cmp.Or(cmp.Compare(leg(b).Score, leg(a).Score), compareKeys(a.Candidate, b.Candidate))
	})
	for i, r := range found {
		s := leg(r)
		s.Rank, s.Known = i+1, true
		if i >= limit {
			s.Rank = 0
		}
	}
}

// distribution describes a leg's scores.
type distribution struct {
	found     int // candidates that the leg ranked
	mean, std float64
	worst     float64 // of the ranked
}

func measure(ranked []Ranked, limit int, leg func(*Ranked) *rag.LegScore) distribution {
	var found, others []float64
	for i := range ranked {
		switch s := leg(&ranked[i]); {
		case s.Rank > 0:
			found = append(found, float64(s.Score))
		case s.Known:
			others = append(others, float64(s.Score))
		}
	}
	if len(found) == 0 {
		return distribution{}
	}
	d := distribution{found: len(found), worst: slices.Min(found)}
	if missing := limit - len(found); missing > 0 {
		slices.SortFunc(others, func(a, b float64) int { return cmp.Compare(b, a) })
		found = append(found, others[:min(missing, len(others))]...)
	}
	slices.Sort(found) // one order of summation, whatever the order of the input
	for _, s := range found {
		d.mean += s
	}
	d.mean /= float64(len(found))
	for _, s := range found {
		d.std += (s - d.mean) * (s - d.mean)
	}
	d.std = math.Sqrt(d.std / float64(len(found)))
	return d
}

// flat is the spread below which scores count as equal.
const flat = 1e-9

func (d distribution) z(s rag.LegScore) float64 {
	if d.found == 0 {
		return 0
	}
	score := float64(s.Score)
	if s.Rank == 0 && !s.Known {
		score = d.worst
	}
	off := score - d.mean
	if d.std > flat {
		return off / d.std
	}
	switch { // equal scores all: only a score outside of them tells anything
	case off > flat:
		return 1
	case off < -flat:
		return -1
	}
	return 0
}

func compareKeys(a, b rag.Candidate) int {
	return cmp.Or(
		strings.Compare(a.Collection, b.Collection),
		strings.Compare(a.Key.DocumentID, b.Key.DocumentID),
		cmp.Compare(a.Key.Version, b.Key.Version),
		cmp.Compare(a.Key.Ordinal, b.Key.Ordinal),
	)
}
