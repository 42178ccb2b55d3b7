package engine

import "math"

const (
	// The beam of a graph is this much wider than what is wanted.
	beamLeast  = 64
	beamFactor = 2
	// Of the rows of a part with a graph, 1-bit codes choose one in fineShare,
	// within these bounds, for 8-bit codes.
	fineLeast = 600
	fineMost  = 1000
	fineShare = 512
	// Where a filter applies, one in seedEvery of the rows that pass it is
	// looked at for where to begin, at most seedSample of them, and seeds of
	// these are taken.
	seedEvery  = 32
	seedSample = 1024
	seeds      = 16
)

// plan is how the dense leg finds the best rows of each part.
type plan struct {
	rows    int      // allowed rows with a vector
	keep    int      // of the rows that 1-bit codes find, those that get a better score
	ways    []string // [part] one of the paths, "" for a part without such rows
	budgets []int    // [part] rows that its graph may meet
}

// plan chooses the cheapest way for each part that has a graph, and one for all
// others together.
func (s *search) plan() plan {
	parts := s.view.parts
	p := plan{
		keep: max(rescoreLeast, rescoreFactor*s.query.Limit),
		ways: make([]string, len(parts)), budgets: make([]int, len(parts)),
	}
	c := s.engine.costs.of(len(s.query.Vector))
	plain := 0 // rows of parts without a graph
	for i, part := range parts {
		n := len(s.sets[i].vectors(part))
		p.rows += n
		if part.graph == nil {
			plain += n
		}
	}
	exact := s.query.Exact || s.view.settings.Exact
	way := PathScan1
	if rows := float64(plain); exact || plain <= p.keep || rows*c.exact <= c.setup+rows*c.bits+float64(p.keep)*c.exact {
		way = PathExact
	}
	for i, part := range parts {
		switch n := len(s.sets[i].vectors(part)); {
		case n == 0:
		case exact:
			p.ways[i] = PathExact
		case part.graph == nil:
			p.ways[i] = way
		default:
			p.ways[i], p.budgets[i] = s.planGraph(c, part, n)
		}
	}
	return p
}

// planGraph chooses how n allowed rows of a part with a graph are searched.
func (s *search) planGraph(c costs, part *part, n int) (way string, budget int) {
	g, rows := part.graph, float64(n)
	fine := float64(g.rescored(s.query.Limit)) * c.exact
	cost := g.cost
	if s.engine.costs.graph != nil {
		cost = *s.engine.costs.graph
	}
	if n > costRows && cost.bits >= leastCost && cost.bytes >= leastCost { // fewer stay in the caches
		c.bits, c.bytes = cost.bits, cost.bytes
		// Memory decides, and an exact score reads four times as much of it.
		c.exact = max(c.exact, 4*c.bytes)
	}
	if exact := rows * c.exact; exact <= c.setup+rows*c.bytes+fine {
		return PathExact, 0
	}
	way, least := PathScan8, rows*c.bytes+fine
	if scan := rows*c.bits + float64(min(s.chosen(n), n))*c.bytes + fine; scan < least {
		way, least = PathScan1, scan
	}
	// The search passes through rows that are not allowed, and looks for its
	// seeds where there are any.
	share := rows / float64(part.seg.Rows())
	walk := float64(s.beam(share < 1))*cost.met*cost.score/share + fine
	if share < 1 {
		walk += min(rows/seedEvery, seedSample) * c.bits
	}
	if walk < least {
		return PathGraph, int((least - fine) / cost.score)
	}
	return way, 0
}

// beam is how wide graphs are searched: twice as wide for rows that a filter
// lets pass, to find as many of the best.
func (s *search) beam(filtered bool) int {
	if s.query.Beam > 0 {
		return max(s.query.Beam, s.query.Limit)
	}
	beam := beamLeast + beamFactor*s.query.Limit
	if filtered {
		beam *= 2
	}
	return beam
}

// chosen is how many of n allowed rows 1-bit codes choose for 8-bit codes to
// choose among. The more rows there are the more lie close together, and a
// filter can leave only such as are all far from the query.
func (s *search) chosen(n int) int {
	return max(fineLeast, min(n/fineShare, fineMost), rescoreFactor*s.query.Limit)
}

// rescored is how many of the rows that 8-bit codes choose get exact scores:
// codes order rows that differ by less than 1 % of a cosine as they like, and
// those of lifted vectors by less than some of it.
func (g *partGraph) rescored(limit int) int {
	if g.lift.Metric != Cosine {
		return 4 * (10 + 2*limit)
	}
	return 10 + 2*limit
}

// walk searches the part's graph and keeps what it finds in q.found. It is not
// done when it has met as many rows as the next best way would cost: a filter
// that happens to lie badly costs twice that at worst.
func (s *search) walk(q *denseQuery, i int, rows []uint32, budget int) (done bool) {
	p := s.view.parts[i]
	query := q.codes(p.graph.lift, s.query.Vector)
	var allowed []uint64
	var from []uint32
	if len(rows) < p.seg.Rows() {
		allowed, from = s.sets[i].rows, s.seeds(q, i, rows)
	} else {
		budget = 0
	}
	q.walked, done = p.graph.Search(q.walked[:0], query, s.beam(allowed != nil), allowed, from, budget)
	if !done {
		return false
	}
	for _, f := range q.walked[:min(len(q.walked), p.graph.rescored(s.query.Limit))] {
		q.found = append(q.found, estimate{rowRef{int32(i), f.Row}, float32(f.Score)})
	}
	return true
}

// seeds are allowed rows near the query: the best of a sample by their 1-bit
// codes.
func (s *search) seeds(q *denseQuery, i int, rows []uint32) []uint32 {
	q.rows = q.rows[:0]
	for at := 0; at < len(rows); at += max(seedEvery, len(rows)/seedSample) {
		q.rows = append(q.rows, rows[at])
	}
	q.kept = q.kept[:0]
	s.scan1(q, i, q.rows, seeds, float32(math.Inf(-1)))
	list := q.rows[:0]
	for _, e := range q.kept[:q.best(seeds)] {
		list = append(list, e.row)
	}
	return list
}
