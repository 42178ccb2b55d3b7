package bm25

import (
	"math"
	"math/bits"
)

// Params are BM25's free parameters.
type Params struct {
	K1 float64 // how soon repetition of a term stops counting
	B  float64 // how much length counts
}

// DefaultParams are the values of the reference runs (Anserini).
var DefaultParams = Params{K1: 0.9, B: 0.4}

// Score is a BM25 score in units of 2⁻³².
type Score uint64

const unit = 1 << 32

// Float returns the score as a number.
func (s Score) Float() float32 { return float32(float64(s) / unit) }

// Stats are the statistics of the rows that a search may see.
type Stats struct {
	Rows  int    // N
	Terms uint64 // total length in terms
}

// Norm is a row's length in a byte: exact up to 32, then to one part in
// sixteen, rounded down.
type Norm uint8

// NormOf returns the norm of a length.
func NormOf(length uint32) Norm {
	if length < 32 {
		return Norm(length)
	}
	e := min(bits.Len32(length)-5, 14)
	return Norm(32 + (e-1)*16 + int(min(length>>e, 31)) - 16)
}

// length is the least length of this norm.
func (n Norm) length() uint32 {
	if n < 32 {
		return uint32(n)
	}
	e := (n-32)/16 + 1
	return (16 + uint32(n-32)%16) << e
}

// Scorer scores postings. It is safe for concurrent use.
type Scorer struct {
	params Params
	stats  Stats
	norms  [256]float64
	shares [tabled][256]float64 // share for each tf below tabled and each norm
}

// tabled is up to which tf shares are looked up: beyond it they are rare.
const tabled = 5

// NewScorer prepares p for rows with these statistics.
func NewScorer(p Params, s Stats) *Scorer {
	average := 1.0
	if s.Rows > 0 && s.Terms > 0 {
		average = float64(s.Terms) / float64(s.Rows)
	}
	base, slope := p.K1*(1-p.B), p.K1*p.B/average
	scorer := &Scorer{params: p, stats: s}
	for n := range scorer.norms {
		scorer.norms[n] = base + float64(slope*float64(Norm(n).length()))
	}
	for tf := 1; tf < tabled; tf++ {
		for n := range scorer.norms {
			scorer.shares[tf][n] = scorer.share(uint8(tf), Norm(n))
		}
	}
	return scorer
}

// Of reports whether the scorer is what NewScorer makes of p and s.
func (s *Scorer) Of(p Params, stats Stats) bool { return s.params == p && s.stats == stats }

// IDF is Lucene's inverse document frequency: ln(1 + (N − df + ½) / (df + ½)).
func IDF(rows, df int) float64 {
	return math.Log(1 + (float64(rows)-float64(df)+0.5)/(float64(df)+0.5))
}

// Score returns weight · tf / (tf + k1 · (1 − b + b · length / average)).
//
// Invariant: it never decreases in tf nor increases in length by more than
// rounding, which bound covers. The conversions keep compilers from fusing
// operations, so that every processor computes the same score.
func (s *Scorer) Score(weight float64, tf uint8, n Norm) Score {
	return s.scaled(weight*unit, tf, n)
}

// scaled is Score for a weight in units of a Score.
func (s *Scorer) scaled(weight float64, tf uint8, n Norm) Score {
	if tf < tabled {
		return Score(int64(weight * s.shares[tf][n]))
	}
	return Score(int64(weight * s.share(tf, n)))
}

// share is tf / (tf + k1 · (1 − b + b · length / average)).
func (s *Scorer) share(tf uint8, n Norm) float64 {
	return float64(tf) / (float64(tf) + s.norms[n])
}

// bound is at least the score of every posting whose tf is at most tf and
// whose norm at least n.
func (s *Scorer) bound(weight float64, tf uint8, n Norm) Score {
	return s.Score(weight, tf, n) + 2
}
