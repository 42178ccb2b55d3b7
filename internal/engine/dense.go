package engine

import (
	"math"

	"github.com/quarry-search/quarry/internal/engine/ann"
	"github.com/quarry-search/quarry/internal/engine/kernel"
	"github.com/quarry-search/quarry/internal/engine/quant"
	"github.com/quarry-search/quarry/internal/engine/segment"
)

const (
	// exactRows is up to how many allowed rows exact scores of all are as fast
	// as the scan of their codes and the rescoring of the best.
	exactRows = 2000
	// rescoreLeast and rescoreFactor say how many rows the scan keeps to be
	// rescored: the factor times what is wanted, but not fewer than the least.
	rescoreLeast  = 400
	rescoreFactor = 5
	// batchRows go through a kernel at once.
	batchRows = 512
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
	kept     []estimate // by scan
	found    []estimate // by graph
	rows     []uint32   // of one part, to be rescored
	walked   []ann.Found
}

// estimate is a row with an estimated score.
type estimate struct {
	rowRef
	score float32
}

// dense returns the best rows by exact score, and the path that found them.
func (s *search) dense() (list []scored, path string, err error) {
	q, _ := s.engine.queries.Get().(*denseQuery)
	if q == nil || q.dim != len(s.query.Vector) {
		q = &denseQuery{dim: len(s.query.Vector), rotation: quant.NewRotation(len(s.query.Vector))}
		q.padded = make([]float32, quant.Padded(len(s.query.Vector), kernel.FloatBlock))
		q.rotated = make([]float32, q.rotation.Size())
		q.offset = make([]float32, q.rotation.Size())
	}
	defer s.engine.queries.Put(q)
	clear(q.padded[copy(q.padded, s.query.Vector):])
	rows := 0
	for i, p := range s.view.parts {
		rows += len(s.sets[i].vectors(p))
	}
	keep := max(rescoreLeast, rescoreFactor*s.query.Limit)
	top := topK{k: s.query.Limit, view: s.view}
	switch {
	case rows == 0:
		return nil, "", nil
	case s.query.Exact || s.view.settings.Exact || rows <= max(exactRows, keep):
		for i, p := range s.view.parts {
			if err := s.score(q, &top, int32(i), s.sets[i].vectors(p)); err != nil {
				return nil, "", err
			}
		}
		return top.ranking(), PathExact, nil
	}
	path = s.scan(q, keep)
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

// scan leaves in q.kept the keep best rows by estimate, in no order, and in
// q.found what graphs found in the parts that have one.
func (s *search) scan(q *denseQuery, keep int) (path string) {
	q.rotation.Rotate(q.rotated, q.padded)
	q.kept, q.found = q.kept[:0], q.found[:0]
	path = PathScan1
	above := float32(math.Inf(-1))
	for i, p := range s.view.parts {
		rows := s.sets[i].vectors(p)
		tried, done := s.walk(q, i, rows)
		switch {
		case tried && !done:
			path = PathFallback
		case done && path == PathScan1:
			path = PathGraph
		}
		if done {
			continue
		}
		constant := q.aim(s.view.settings.Metric, s.query.Vector, p.seg)
		for len(rows) > 0 {
			batch := rows[:min(batchRows, len(rows))]
			rows = rows[len(batch):]
			q.scanBatch(p, int32(i), batch, constant, above)
			if len(q.kept) >= 3*keep {
				above = q.cut(keep)
			}
		}
	}
	if len(q.kept) > keep {
		q.cut(keep)
	}
	q.kept = append(q.kept, q.found...)
	return path
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

// rescore offers the kept rows with their exact scores. Of a part that has
// 8-bit codes in memory, only those that are best by them.
func (s *search) rescore(q *denseQuery, top *topK) error {
	for i, p := range s.view.parts {
		q.rows, q.walked = q.rows[:0], q.walked[:0]
		for _, e := range q.kept {
			if e.part == int32(i) {
				q.rows = append(q.rows, e.row)
			}
		}
		if n := rescored(s.query.Limit); p.graph != nil && len(q.rows) > n {
			q.walked = p.graph.Best(q.walked, q.codes(p.graph.lift, s.query.Vector), q.rows, n)
			q.rows = q.rows[:0]
			for _, f := range q.walked {
				q.rows = append(q.rows, f.Row)
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
