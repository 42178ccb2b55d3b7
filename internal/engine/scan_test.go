package engine

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestScanGuesses has the scan of 1-bit codes begin with a guess of what its
// rows score, a good one and one that the sample misleads: it keeps the same
// rows as without.
func TestScanGuesses(t *testing.T) {
	const rows, keep = 12_000, 400
	r := rand.New(rand.NewPCG(4, 4))
	query := unitVector(r, testDim)
	for _, misled := range []bool{false, true} {
		e, err := Open(Options{KnownField: known})
		must(t, err)
		changes := []Change{{Seq: 1, Kind: Create, Collection: "a"}}
		for i := range rows {
			h, v := Hash{byte(i), byte(i >> 8)}, unitVector(r, testDim)
			if misled && sampled(i, rows) {
				v = query
			}
			changes = append(changes, Change{Seq: uint64(i + 2), Kind: Put, Collection: "a", Vectors: map[Hash][]float32{h: v},
				Document: Document{ID: fmt.Sprintf("%06d", i), Rows: []Row{{Hash: h}}}})
		}
		must(t, e.Apply(changes))
		s, err := e.prepare(e.state.Load().view("a"), Query{Collection: "a", Vector: query, Limit: 10, Scope: Scope{All: true}})
		must(t, err)
		s.allow()
		list := s.sets[0].vectors(s.view.parts[0])
		q, none := newDenseQuery(testDim), float32(math.Inf(-1))
		q.prepare(query)
		q.rotate()
		constant := q.aim(s.view.settings.Metric, query, s.view.parts[0].seg)
		guess := s.guess(q, 0, list, keep, constant)
		if guess == none {
			t.Fatal("nothing was guessed")
		}
		s.scanAbove(q, 0, list, keep, constant, guess)
		if few := len(q.kept) < keep; few != misled {
			t.Errorf("misled %v: %d rows are above the guess", misled, len(q.kept))
		}
		q.kept = q.kept[:0]
		s.scan1(q, 0, list, keep, none)
		got := keptRows(q, keep)
		q.kept = q.kept[:0]
		s.scanAbove(q, 0, list, keep, constant, none)
		if want := keptRows(q, keep); !slices.Equal(got, want) {
			t.Errorf("misled %v: other rows are kept with a guess", misled)
		}
		must(t, e.Close())
	}
}

// sampled reports whether guess looks at row i of n.
func sampled(i, n int) bool {
	j := (i*batchRows + n - 1) / n
	return j*n/batchRows == i
}

// keptRows are the scores of the best n of what was kept: rows that score the
// same stand for each other.
func keptRows(q *denseQuery, n int) (scores []float32) {
	for _, e := range q.kept[:q.best(n)] {
		scores = append(scores, e.score)
	}
	slices.Sort(scores)
	return scores
}
