package engine

import (
	"math"
	"slices"

	"github.com/quarry-search/quarry/internal/engine/ann"
	"github.com/quarry-search/quarry/internal/engine/kernel"
	"github.com/quarry-search/quarry/internal/engine/quant"
	"github.com/quarry-search/quarry/internal/engine/segment"
)

const (
	// rescoreLeast and rescoreFactor say how many rows the scan of 1-bit codes
	// keeps to be rescored: the factor times what is wanted, but not fewer than
	// the least.
	rescoreLeast  = 400
	rescoreFactor = 5
	// batchRows go through a kernel at once.
	batchRows = 512
	// nextRows of the next batch are fetched while this one is scanned, since
	// the kernel looks ahead in its own batch only.
	nextRows = 24
)

// denseQuery is a query vector made ready, with the scratch of a scan.
type denseQuery struct {
	dim      int
	rotation *quant.Rotation
	padded   []float32 // [stride]
	rotated  []float32
	offset   []float32 // rotated, from a segment's centre
	bits     kernel.BitQuery
	lifted   liftedQuery
	ids      [batchRows + 4]uint32
	scores   [batchRows + 4]float32
	sample   [batchRows]uint32
	rows     []uint32
	kept     []estimate // by scan
	found    []estimate // by graphs and 8-bit codes: of each part as many as should be scored exactly
	walked   []ann.Found
}

// estimate is a row with an estimated score.
type estimate struct {
	rowRef
	score float32
}

func newDenseQuery(dim int) *denseQuery {
	q := &denseQuery{dim: dim, rotation: quant.NewRotation(dim)}
	q.padded = make([]float32, quant.Padded(dim, kernel.FloatBlock))
	q.rotated = make([]float32, q.rotation.Size())
	q.offset = make([]float32, q.rotation.Size())
	return q
}

// prepare makes the query ready for exact scores, rotate for codes.
func (q *denseQuery) prepare(vector []float32) {
	clear(q.padded[copy(q.padded, vector):])
	q.kept, q.found = q.kept[:0], q.found[:0]
}

func (q *denseQuery) rotate() { q.rotation.Rotate(q.rotated, q.padded) }

// dense returns the best rows by exact score, and the path that found them.
func (s *search) dense() (list []scored, path string, err error) {
	q, _ := s.engine.queries.Get().(*denseQuery)
	if q == nil || q.dim != len(s.query.Vector) {
		q = newDenseQuery(len(s.query.Vector))
	}
	defer s.engine.queries.Put(q)
	q.prepare(s.query.Vector)
	top := topK{k: s.query.Limit, view: s.view}
	p := s.plan()
	if p.rows == 0 {
		return nil, "", nil
	}
	for i, way := range p.ways {
		if way == PathExact {
			if err := s.score(q, &top, int32(i), s.sets[i].vectors(s.view.parts[i])); err != nil {
				return nil, "", err
			}
		}
	}
	path = s.estimate(q, p)
	if err := s.rescore(q, &top); err != nil {
		return nil, "", err
	}
	return top.ranking(), path, nil
}

// score offers rows with their exact scores.
func (s *search) score(q *denseQuery, top *topK, part int32, rows []uint32) error {
	base := s.view.parts[part].seg.Vectors()
	for len(rows) > 0 {
		batch := rows[:min(batchRows, len(rows))]
		rows = rows[len(batch):]
		if err := s.view.parts[part].verifyVectors(batch); err != nil {
			return err
		}
		exactScores(s.view.settings.Metric, q.scores[:len(batch)], q.padded, base, batch)
		for i, row := range batch {
			if score := orderedScore(q.scores[i]); score >= top.full() {
				top.push(scored{rowRef{part, row}, score})
			}
		}
	}
	return nil
}

// estimate leaves in q.kept the rows of parts that are not scored exactly which
// are worth an exact score, and returns the path of the whole search: the first
// of fallback, graph, scan8, scan1 and exact that a part took.
func (s *search) estimate(q *denseQuery, p plan) (path string) {
	ways := slices.Clone(p.ways)
	if slices.ContainsFunc(ways, func(way string) bool { return way != "" && way != PathExact }) {
		q.rotate()
	}
	for i, part := range s.view.parts {
		rows := s.sets[i].vectors(part)
		switch {
		case ways[i] == PathGraph && !s.walk(q, i, rows, p.budgets[i]):
			ways[i] = PathFallback
			s.scanFine(q, i, rows, s.chosen(len(rows)))
		case ways[i] == PathScan8:
			s.scan8(q, i, rows)
		case ways[i] == PathScan1 && part.graph != nil:
			s.scanFine(q, i, rows, s.chosen(len(rows)))
		}
	}
	q.kept = q.kept[:0]
	above := float32(math.Inf(-1))
	for i, part := range s.view.parts {
		if ways[i] == PathScan1 && part.graph == nil {
			above = s.scan1(q, i, s.sets[i].vectors(part), p.keep, above)
		}
	}
	q.kept = append(q.kept[:q.best(p.keep)], q.found...)
	for _, path := range []string{PathFallback, PathGraph, PathScan8, PathScan1} {
		if slices.Contains(ways, path) {
			return path
		}
	}
	return PathExact
}

// scan1 adds to q.kept the rows of a part whose 1-bit estimates are above a
// threshold, and raises the threshold as q.kept fills.
func (s *search) scan1(q *denseQuery, i int, rows []uint32, keep int, above float32) float32 {
	constant := q.aim(s.view.settings.Metric, s.query.Vector, s.view.parts[i].seg)
	if len(q.kept) == 0 {
		if guess := s.guess(q, i, rows, keep, constant); guess > above {
			raised := s.scanAbove(q, i, rows, keep, constant, guess)
			if len(q.kept) >= keep {
				return raised
			}
			q.kept = q.kept[:0]
		}
	}
	return s.scanAbove(q, i, rows, keep, constant, above)
}

// scanAbove is scan1 for a query that aims at the part.
func (s *search) scanAbove(q *denseQuery, i int, rows []uint32, keep int, constant, above float32) float32 {
	part := s.view.parts[i]
	records, width := part.records(), len(q.bits.Planes)/4
	for len(rows) > 0 {
		batch := rows[:min(batchRows, len(rows))]
		rows = rows[len(batch):]
		kernel.Prefetch(records, width, rows[:min(nextRows, len(rows))])
		q.scanBatch(part, int32(i), batch, constant, above)
		if len(q.kept) >= 3*keep {
			above = q.cut(keep)
		}
	}
	return above
}

// guess returns an estimate that about twice as many of the rows as are kept
// are above, by a sample of them: to begin with it saves most of the choosing.
// It is below all where too few of the sample would be above to tell, or so
// many that there is nothing to save.
func (s *search) guess(q *denseQuery, i int, rows []uint32, keep int, constant float32) float32 {
	none := float32(math.Inf(-1))
	want := 2 * keep * batchRows / max(1, len(rows))
	if want < 32 || want > batchRows/2 {
		return none
	}
	for j := range q.sample {
		q.sample[j] = rows[j*len(rows)/batchRows]
	}
	q.scanBatch(s.view.parts[i], int32(i), q.sample[:], constant, none)
	guess := q.cut(want)
	q.kept = q.kept[:0]
	return guess
}

// best cuts q.kept to the n best where it has more, and returns its length.
func (q *denseQuery) best(n int) int {
	if len(q.kept) > n {
		q.cut(n)
	}
	return len(q.kept)
}

// scanFine is scan1 of a part whose 8-bit codes choose among what it finds.
func (s *search) scanFine(q *denseQuery, i int, rows []uint32, keep int) {
	q.kept = q.kept[:0]
	s.scan1(q, i, rows, keep, float32(math.Inf(-1)))
	q.rows = q.rows[:0]
	for _, e := range q.kept[:q.best(keep)] {
		q.rows = append(q.rows, e.row)
	}
	s.scan8(q, i, q.rows)
}

// scan8 adds to q.found the best rows by 8-bit codes.
func (s *search) scan8(q *denseQuery, i int, rows []uint32) {
	g := s.view.parts[i].graph
	q.walked = g.Best(q.walked[:0], q.codes(g.lift, s.query.Vector), rows, g.rescored(s.query.Limit))
	for _, f := range q.walked {
		q.found = append(q.found, estimate{rowRef{int32(i), f.Row}, float32(f.Score)})
	}
}

// aim makes q.bits ready for a segment's codes, and returns what must be added
// to their estimates so that those of all segments compare.
func (q *denseQuery) aim(metric Metric, vector []float32, seg *segment.Segment) (constant float32) {
	centre, rotated := seg.Centre()
	switch metric {
	case Dot: // q·x = q·(x − c) + q·c
		quant.SetBitQuery(&q.bits, q.rotated)
		for i, c := range centre {
			constant += vector[i] * c
		}
		return constant
	case L2: // see quant.Bias
		for i, c := range rotated {
			q.offset[i] = q.rotated[i] - c
		}
		quant.SetBitQuery(&q.bits, q.offset)
		return quant.Bias(q.offset)
	}
	quant.SetBitQuery(&q.bits, q.rotated)
	return 0
}

// scanBatch appends to q.kept the rows with estimates above a threshold.
func (q *denseQuery) scanBatch(p *part, at int32, batch []uint32, constant, above float32) {
	biases, greatest := p.seg.Biases()
	n := kernel.ScanBits(q.ids[:], q.scores[:], &q.bits, p.records(), batch, above-constant-greatest)
	for j, row := range q.ids[:n] {
		score := q.scores[j] + constant
		if biases != nil {
			if score += biases[row]; score <= above {
				continue
			}
		}
		q.kept = append(q.kept, estimate{rowRef{at, row}, score})
	}
}

// cut keeps the n best estimates and returns the least of them.
func (q *denseQuery) cut(n int) float32 {
	list, low, high := q.kept, 0, len(q.kept)-1
	for low < high {
		pivot := list[(low+high)/2].score
		i, j := low, high
		for i <= j {
			for list[i].score > pivot {
				i++
			}
			for list[j].score < pivot {
				j--
			}
			if i <= j {
				list[i], list[j] = list[j], list[i]
				i++
				j--
			}
		}
		switch {
		case n-1 <= j:
			high = j
		case n-1 >= i:
			low = i
		default:
			low = high
		}
	}
	q.kept = list[:n]
	return list[n-1].score
}

// rescore offers the kept rows with their exact scores.
func (s *search) rescore(q *denseQuery, top *topK) error {
	for i := range s.view.parts {
		q.rows = q.rows[:0]
		for _, e := range q.kept {
			if e.part == int32(i) {
				q.rows = append(q.rows, e.row)
			}
		}
		if err := s.score(q, top, int32(i), q.rows); err != nil {
			return err
		}
	}
	return nil
}

// exactScores sets out to the scores of rows of base by metric.
func exactScores(metric Metric, out, padded, base []float32, rows []uint32) {
	if metric != L2 {
		kernel.DotsF32(out, padded, base, rows)
		return
	}
	kernel.SquaresF32(out, padded, base, rows)
	for i := range rows {
		out[i] = 0 - out[i] // not -0, which would stand behind 0
	}
}

// exactScore returns a row's exact score; known is false when it has no vector.
func (s *search) exactScore(r rowRef) (score float32, known bool, err error) {
	seg := s.view.parts[r.part].seg
	if has := seg.HasVector(); has == nil || !has.Get(r.row) {
		return 0, false, nil
	}
	var out [1]float32
	padded := s.query.Vector
	if len(padded) != seg.Stride() {
		padded = make([]float32, seg.Stride())
		copy(padded, s.query.Vector)
	}
	rows := []uint32{r.row}
	if err := s.view.parts[r.part].verifyVectors(rows); err != nil {
		return 0, false, err
	}
	exactScores(s.view.settings.Metric, out[:], padded, seg.Vectors(), rows)
	return out[0], true, nil
}
