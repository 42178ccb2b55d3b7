package enginebench

import (
	"context"
	"slices"
	"strconv"

	"github.com/quarry-search/quarry/internal/engine"
	"github.com/quarry-search/quarry/internal/filter"
)

// Point is one setting's recall@10 and speed.
type Point struct {
	Effort int     // the beam's width, hnswlib's ef
	Recall float64 // of the exact nearest 10
	Rate   float64 // queries per CPU-second
	Path   string  // of the engine's last search
}

const (
	leastQueries = 50
	leastSeconds = 0.5 // CPU-seconds that one point is measured for
	passes       = 3   // of which the median counts
)

// query is how the engine is asked for a data set's query.
func query(d *Dataset, bit, i, beam int) engine.Query {
	q := engine.Query{
		Collection: collection, Scope: engine.Scope{All: true}, Vector: d.Queries.Row(i % d.Queries.Rows()),
		Limit: Neighbors, Beam: beam,
	}
	if bit >= 0 {
		q.Filter = filter.Test(filter.Eq, fieldName(bit), filter.BoolOf(true))
	}
	return q
}

// series measures one beam after the other, until recall is as good as done.
func series(ctx context.Context, e *engine.Engine, d *Dataset, bit int, beams []int) (points []Point, err error) {
	for _, beam := range beams {
		p, err := point(ctx, e, d, bit, beam)
		if err != nil {
			return nil, err
		}
		if points = append(points, p); p.Recall > 0.997 || p.Path != engine.PathGraph {
			break
		}
	}
	return points, nil
}

// point measures recall over all queries, then speed.
func point(ctx context.Context, e *engine.Engine, d *Dataset, bit, beam int) (Point, error) {
	p := Point{Effort: beam}
	hits, wanted := 0, 0
	for i := range d.Queries.Rows() {
		result, err := e.Search(ctx, query(d, bit, i, beam))
		if err != nil {
			return p, err
		}
		p.Path = result.DensePath
		h, w := agree(result, d.Nearest(bit, i))
		hits, wanted = hits+h, wanted+w
	}
	p.Recall = float64(hits) / float64(max(1, wanted))
	var rates []float64
	for range passes {
		timer, n := newTimer(), 0
		for ; n < leastQueries || n%10 != 0 || timer.seconds() < leastSeconds/passes; n++ {
			if _, err := e.Search(ctx, query(d, bit, n, beam)); err != nil {
				return p, err
			}
		}
		rates = append(rates, float64(n)/timer.seconds())
	}
	slices.Sort(rates)
	p.Rate = rates[len(rates)/2]
	return p, nil
}

// agree counts how many of the nearest rows were found.
func agree(result engine.Result, nearest []int32) (hits, wanted int) {
	for _, c := range result.Candidates {
		row, err := strconv.Atoi(c.DocID)
		if err == nil && slices.Contains(nearest, int32(row)) {
			hits++
		}
	}
	return hits, len(nearest)
}
