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
	Path   string  // that most of the engine's searches took
}

const (
	leastQueries = 50
	leastSeconds = 0.5 // CPU-seconds that one point is measured for
	passes       = 3   // of which the median counts
)

// beams are the widths that are measured.
var beams = []int{10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536}

// indexed is an open index with the data that it was made of.
type indexed struct {
	*engine.Engine
	data *Dataset
}

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

// series measures one beam after the other, until recall is as good as done or
// the engine takes a path that has no beam.
func series(ctx context.Context, x indexed, bit int) (points []Point, err error) {
	for _, beam := range beams {
		p, err := point(ctx, x, bit, beam)
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
func point(ctx context.Context, x indexed, bit, beam int) (p Point, err error) {
	p.Effort = beam
	if p.Recall, p.Path, err = recall(ctx, x, bit, beam); err != nil {
		return p, err
	}
	var rates []float64
	for range passes {
		timer, n := newTimer(), 0
		for ; n < leastQueries || n%10 != 0 || timer.seconds() < leastSeconds/passes; n++ {
			if _, err := x.Search(ctx, query(x.data, bit, n, beam)); err != nil {
				return p, err
			}
		}
		rates = append(rates, float64(n)/timer.seconds())
	}
	slices.Sort(rates)
	p.Rate = rates[len(rates)/2]
	return p, nil
}

// recall searches for every query, and returns the share of the nearest rows
// that are found, and the path that most searches took.
func recall(ctx context.Context, x indexed, bit, beam int) (share float64, path string, err error) {
	hits, wanted, paths := 0, 0, map[string]int{}
	for i := range x.data.Queries.Rows() {
		result, err := x.Search(ctx, query(x.data, bit, i, beam))
		if err != nil {
			return 0, "", err
		}
		if paths[result.DensePath]++; paths[result.DensePath] > paths[path] {
			path = result.DensePath
		}
		h, w := agree(result, x.data.Nearest(bit, i))
		hits, wanted = hits+h, wanted+w
	}
	return float64(hits) / float64(max(1, wanted)), path, nil
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
