package ann

import (
	"math"

	"github.com/quarry-search/quarry/internal/engine/kernel"
)

const (
	entryBeam = 12 // width of the search in the top graph
	bestBatch = 32 // rows that are fetched at once
	entries   = 8  // of its rows, where the search below starts
	abreast   = 2  // rows whose neighbours are looked at together: their memory arrives together
)

// Search appends the best rows to dst, best first: a beam search of width
// beam, which is also how many rows it finds at most. Allowed is a bit for
// each row: those that may be found; nil allows all.
//
// Seeds are rows where the search starts besides the usual entries: where not
// all are allowed, allowed ones near the query. Budget bounds how many rows are
// met, 0 for no bound; done is false when it ran out before the search was
// over.
func (g *Graph) Search(dst []Found, q Query, beam int, allowed []uint64, seeds []uint32, budget int) (found []Found, done bool) {
	if g.Rows() == 0 || beam <= 0 {
		return dst, true
	}
	s := g.scratch.Get().(*scratch)
	defer g.scratch.Put(s)
	s.begin(beam)
	g.enter(s, q, seeds)
	if allowed == nil && budget == 0 {
		g.walk(s, q, beam)
		return append(dst, s.beam...), true
	}
	done = g.walkAllowed(s, q, beam, allowed, budget)
	return append(dst, s.found...), done
}

// Best appends the n best of some rows to dst, best first, by their 8-bit
// codes.
func (g *Graph) Best(dst []Found, q Query, rows []uint32, n int) []Found {
	s := g.scratch.Get().(*scratch)
	defer g.scratch.Put(s)
	s.found = s.found[:0]
	for len(rows) > 0 {
		s.ids = append(s.ids[:0], rows[:min(len(rows), bestBatch)]...)
		rows = rows[len(s.ids):]
		s.score(g.codes, q)
		for i, row := range s.ids {
			s.found, _ = insert(s.found, n, Found{Row: row, Score: s.out[i]})
		}
	}
	return append(dst, s.found...)
}

// enter leaves in s.beam the rows where a search starts.
func (g *Graph) enter(s *scratch, q Query, seeds []uint32) {
	s.ids = s.ids[:0]
	if g.top != nil {
		t := g.top.scratch.Get().(*scratch)
		t.begin(entryBeam)
		g.top.enter(t, q, nil)
		g.top.walk(t, q, entryBeam)
		for _, f := range t.beam[:min(entries, len(t.beam))] {
			if row := g.sample[f.Row]; s.met.add(row) {
				s.beam = append(s.beam, Found{Row: row, Score: f.Score})
			}
		}
		g.top.scratch.Put(t)
	} else {
		// The rows of a small graph are in no order: some of them will do.
		n := min(g.Rows(), 4*entries)
		for i := range n {
			if row := uint32(i * g.Rows() / n); s.met.add(row) {
				s.ids = append(s.ids, row)
			}
		}
	}
	for _, row := range seeds {
		if s.met.add(row) {
			s.ids = append(s.ids, row)
		}
	}
	s.score(g.codes, q)
	for i, row := range s.ids {
		s.beam, _ = insert(s.beam, len(s.beam)+1, Found{Row: row, Score: s.out[i]})
	}
}

// walk is the beam search over all rows: it leaves the best in s.beam.
func (g *Graph) walk(s *scratch, q Query, beam int) {
	s.beam = s.beam[:min(beam, len(s.beam))]
	for at := 0; at < len(s.beam); {
		s.ids = s.ids[:0]
		for n := 0; at < len(s.beam) && n < abreast; at++ {
			if s.beam[at].seen {
				continue
			}
			s.beam[at].seen = true
			n++
			for _, row := range g.next(s.beam[at].Row) {
				if s.met.add(row) {
					s.ids = append(s.ids, row)
				}
			}
		}
		s.scoreNear(g.codes, q, s.least(s.beam, beam), g.margin)
		kernel.Prefetch(g.neighbors, Degree, s.ids) // most come into the beam, and their turn
		at = s.take(beam, at)
	}
}

// least is the score that a row must be above to come into a list.
func (s *scratch) least(list []Found, limit int) int32 {
	if len(list) < limit {
		return math.MinInt32
	}
	return list[limit-1].Score
}

// take puts the scored rows into the beam and returns where the first that was
// not looked at stands now; rows before at were.
func (s *scratch) take(beam, at int) int {
	var to int
	for i, row := range s.ids {
		if s.beam, to = insert(s.beam, beam, Found{Row: row, Score: s.out[i]}); to >= 0 {
			at = min(at, to)
		}
	}
	return at
}

// offer makes a row one to go on from, and keeps it when it is allowed.
func (s *scratch) offer(f Found, beam int, allowed []uint64) {
	s.push(f)
	if isAllowed(allowed, f.Row) {
		s.found, _ = insert(s.found, beam, f)
	}
}

// push and pop keep s.heap with the best on top.
func (s *scratch) push(f Found) {
	h := append(s.heap, f)
	for i := len(h) - 1; i > 0; {
		parent := (i - 1) / 2
		if h[parent].Score >= h[i].Score {
			break
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
	s.heap = h
}

func (s *scratch) pop() Found {
	h := s.heap
	best := h[0]
	last := len(h) - 1
	h[0] = h[last]
	h = h[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			break
		}
		if child+1 < last && h[child+1].Score > h[child].Score {
			child++
		}
		if h[i].Score >= h[child].Score {
			break
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
	s.heap = h
	return best
}
