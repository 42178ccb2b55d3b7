package ann

import (
	"github.com/quarry-search/quarry/internal/engine/kernel"
	"github.com/quarry-search/quarry/internal/engine/quant"
)

// mostPassed is how many rows in turn that are not allowed a search passes
// through. One more row costs a quarter more time where a filter lies badly,
// and finds no more; one less loses a hundredth.
const mostPassed = 2

// walkAllowed is the best-first search for allowed rows: it leaves them in
// s.found, and reports false when the budget of met rows ran out.
//
// Rows that are not allowed hold the graph together, so it passes through
// them, but through few in turn: a filter that keeps away what is nearest to
// the query would have it look at all of that first. Such a filter needs seeds
// among the rows that it lets pass.
func (g *Graph) walkAllowed(s *scratch, q Query, beam int, allowed []uint64, budget int) bool {
	for i := range s.beam {
		s.offer(s.beam[i], beam, allowed)
	}
	for {
		least := s.least(s.found, beam)
		s.ids, s.reached = s.ids[:0], s.reached[:0]
		n := 0
		for ; n < abreast && len(s.heap) > 0 && s.heap[0].Score >= least; n++ {
			g.reach(s, s.pop(), allowed)
		}
		switch {
		case n == 0:
			return true
		case budget > 0 && s.met.count >= budget:
			return false
		}
		if near(least, g.margin) {
			s.near(g.codes, q, least, g.margin)
			s.passThrough(g.codes, least, allowed)
		}
		s.score(g.codes, q)
		kernel.Prefetch(g.neighbors, Degree, s.ids)
		at := 0 // what is scored stands in reached, in this order
		for i, row := range s.ids {
			for s.reached[at].Row != row {
				at++
			}
			if s.out[i] > least {
				f := s.reached[at]
				f.Score = s.out[i]
				s.offer(f, beam, allowed)
			}
		}
	}
}

// passThrough takes from s.ids the rows that are not allowed, and makes them
// ones to go on from by what their records say, where that is above least: they
// are only passed through.
func (s *scratch) passThrough(codes Codes, least int32, allowed []uint64) {
	scale := quant.Scale(codes.Size)
	at, kept := 0, s.ids[:0]
	for i, row := range s.ids {
		if isAllowed(allowed, row) {
			kept = append(kept, row)
			continue
		}
		score := int32(s.estimates[i] * scale * scale)
		if score <= least {
			continue
		}
		for s.reached[at].Row != row {
			at++
		}
		f := s.reached[at]
		f.Score = score
		s.push(f)
	}
	s.ids = kept
}

// reach adds to s.reached the neighbours of a row that were not met before and
// are worth a look, and to s.ids their ordinals.
func (g *Graph) reach(s *scratch, from Found, allowed []uint64) {
	for _, row := range g.next(from.Row) {
		f := Found{Row: row}
		if !isAllowed(allowed, row) {
			if f.passed = from.passed + 1; f.passed > mostPassed {
				continue
			}
		}
		if s.met.add(row) {
			s.ids, s.reached = append(s.ids, row), append(s.reached, f)
		}
	}
}

func isAllowed(allowed []uint64, row uint32) bool {
	return allowed == nil || allowed[row>>6]>>(row&63)&1 != 0
}

// Met searches as wide as beam and returns how many rows that meets.
func (g *Graph) Met(q Query, beam int) int {
	s := g.scratch.Get().(*scratch)
	defer g.scratch.Put(s)
	s.begin(beam)
	g.enter(s, q, nil)
	g.walk(s, q, beam)
	return s.met.count
}
