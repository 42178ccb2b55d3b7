package ann

import "github.com/quarry-search/quarry/internal/engine/kernel"

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
	for len(s.heap) > 0 {
		best := s.pop()
		if len(s.found) == beam && best.Score < s.found[beam-1].Score {
			return true
		}
		if budget > 0 && s.met.count >= budget {
			return false
		}
		s.ids = s.ids[:0]
		for _, row := range g.next(best.Row) {
			if best.passed == mostPassed && !isAllowed(allowed, row) {
				continue
			}
			if s.met.add(row) {
				s.ids = append(s.ids, row)
			}
		}
		least := s.least(s.found, beam)
		s.scoreNear(g.codes, q, least, g.margin)
		kernel.Prefetch(g.neighbors, Degree, s.ids)
		for i, row := range s.ids {
			if s.out[i] <= least {
				continue
			}
			f := Found{Row: row, Score: s.out[i]}
			if !isAllowed(allowed, row) {
				f.passed = best.passed + 1
			}
			s.offer(f, beam, allowed)
		}
	}
	return true
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
