package bm25

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// best keeps the k best rows, ties by row.
type best struct {
	k    int
	rows []hit
}

type hit struct {
	row   uint32
	score Score
}

func (b *best) Threshold() Score {
	if len(b.rows) < b.k {
		return 0
	}
	return b.rows[len(b.rows)-1].score
}

func (b *best) Collect(row uint32, s Score) {
	b.rows = append(b.rows, hit{row, s})
	slices.SortFunc(b.rows, func(x, y hit) int {
		if x.score != y.score {
			if x.score > y.score {
				return -1
			}
			return 1
		}
		return int(x.row) - int(y.row)
	})
	b.rows = b.rows[:min(b.k, len(b.rows))]
}

// corpus is made rows, and the random numbers that they are made of.
type corpus struct {
	norms []Norm
	stats Stats
	x     uint64
}

func newCorpus(rows int, seed uint64) *corpus {
	c := &corpus{norms: make([]Norm, rows), x: seed | 1}
	for i := range c.norms {
		c.norms[i] = NormOf(uint32(1 + c.next(90)))
		c.stats.Rows++
		c.stats.Terms += uint64(c.norms[i].length())
	}
	return c
}

func (c *corpus) next(n int) int {
	c.x ^= c.x << 13
	c.x ^= c.x >> 7
	c.x ^= c.x << 17
	return int(c.x % uint64(n))
}

// term makes a posting list with gaps below 2·gap, in some stretches of rows
// only where it comes in bursts.
func (c *corpus) term(gap int, bursts bool, mostTF int) Term {
	var l List
	for row := c.next(gap + 1); row < len(c.norms); row += 1 + c.next(2*gap) {
		if bursts && row>>11&3 != 1 {
			continue
		}
		tf := 1
		if c.next(4) == 0 {
			tf += c.next(mostTF)
		}
		l.Rows, l.TF = append(l.Rows, uint32(row)), append(l.TF, uint8(tf))
	}
	l.FillBlocks(c.norms)
	return Term{l, IDF(len(c.norms), len(l.Rows)) * float64(1+c.next(2))}
}

// allow makes a set of rows, one in so many.
func (c *corpus) allow(oneIn int) []uint64 {
	set := make([]uint64, len(c.norms)/64+1)
	for row := range c.norms {
		if c.next(oneIn) == 0 {
			set[row>>6] |= 1 << (row & 63)
		}
	}
	return set
}

// byRow scores each allowed row by itself.
func (c *corpus) byRow(s *Scorer, terms []Term, allowed []uint64, k int) []hit {
	b := &best{k: k}
	for row := range uint32(len(c.norms)) {
		if allowed != nil && allowed[row>>6]>>(row&63)&1 == 0 {
			continue
		}
		if score := s.ScoreRow(terms, c.norms, row); score > 0 {
			b.Collect(row, score)
		}
	}
	return b.rows
}

// TestSearchEqualsScoringEachRow holds pruning to the score of every row, to
// the bit and with ties, on lists long enough for many blocks and windows.
func TestSearchEqualsScoringEachRow(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		rows := rapid.OneOf(rapid.IntRange(1, 9000), rapid.IntRange(window, 4*window)).Draw(r, "rows")
		c := newCorpus(rows, rapid.Uint64().Draw(r, "seed"))
		var terms []Term
		for range rapid.IntRange(1, 6).Draw(r, "terms") {
			gap := rapid.SampledFrom([]int{1, 3, 40, 900}).Draw(r, "gap")
			terms = append(terms, c.term(gap, rapid.Bool().Draw(r, "bursts"), rapid.SampledFrom([]int{1, 3, 200}).Draw(r, "tf")))
		}
		var allowed []uint64
		if oneIn := rapid.SampledFrom([]int{0, 1, 2, 30, 100, 1000}).Draw(r, "allowed"); oneIn > 0 {
			allowed = c.allow(oneIn)
		}
		k := rapid.IntRange(1, 120).Draw(r, "k")
		scorer := NewScorer(DefaultParams, c.stats)
		got := &best{k: k}
		scorer.Search(terms, c.norms, allowed, got)
		if diff := cmp.Diff(c.byRow(scorer, terms, allowed, k), got.rows, cmp.AllowUnexported(hit{})); diff != "" {
			r.Fatalf("%s", diff)
		}
	})
}

// TestSearchLeavesNothingBehind searches different lists one after the other:
// they share memory, whose sums must be zero again after each.
func TestSearchLeavesNothingBehind(t *testing.T) {
	c := newCorpus(3*window, 11)
	terms := []Term{c.term(2, false, 3), c.term(30, true, 9), c.term(500, false, 3), c.term(4, true, 1)}
	scorer := NewScorer(DefaultParams, c.stats)
	for i := range 60 {
		some := slices.Clone(terms[i%4:])
		var allowed []uint64
		if i%3 > 0 {
			allowed = c.allow(1 + i*i)
		}
		got := &best{k: 1 + i}
		scorer.Search(some, c.norms, allowed, got)
		if diff := cmp.Diff(c.byRow(scorer, some, allowed, 1+i), got.rows, cmp.AllowUnexported(hit{})); diff != "" {
			t.Fatalf("search %d: %s", i, diff)
		}
	}
}

// TestSearchPrunes holds the search to passing on little more than what is
// wanted: a bound that is too loose finds the same rows, but slowly.
func TestSearchPrunes(t *testing.T) {
	c := newCorpus(4*window, 5)
	terms := []Term{c.term(2, false, 3), c.term(3, false, 3), c.term(400, false, 3)}
	got := &counted{best: best{k: 10}}
	NewScorer(DefaultParams, c.stats).Search(terms, c.norms, nil, got)
	if got.calls > 400 {
		t.Errorf("%d of %d rows were passed on for the best 10", got.calls, 4*window)
	}
}

type counted struct {
	best
	calls int
}

func (c *counted) Collect(row uint32, s Score) {
	c.calls++
	c.best.Collect(row, s)
}
