package enginebench

import (
	"math/bits"
	"sync"

	"github.com/quarry-search/quarry/internal/engine/kernel"
)

// nearest keeps the best rows, sorted by falling score.
type nearest struct {
	n     int
	rows  [Neighbors]int32
	score [Neighbors]float32
}

func (l *nearest) offer(row int32, score float32) {
	if l.n == Neighbors && score <= l.score[Neighbors-1] {
		return
	}
	at := min(l.n, Neighbors-1)
	for at > 0 && l.score[at-1] < score {
		l.rows[at], l.score[at] = l.rows[at-1], l.score[at-1]
		at--
	}
	l.rows[at], l.score[at] = row, score
	l.n = min(l.n+1, Neighbors)
}

// SetTruth finds the exact answers: every query against every row. Dim must be
// a multiple of kernel.FloatBlock.
func (d *Dataset) SetTruth() {
	const chunk = 512 // rows that stay in the cache while all queries pass
	queries, rows := d.Queries.Rows(), d.Base.Rows()
	lists := make([]nearest, (1+len(Filters))*queries)
	locks := make([]sync.Mutex, queries)
	parallel((rows+chunk-1)/chunk, func(i int) {
		from, to := i*chunk, min(rows, (i+1)*chunk)
		ids := make([]uint32, to-from)
		for j := range ids {
			ids[j] = uint32(from + j)
		}
		scores := make([]float32, len(ids))
		for q := range queries {
			kernel.DotsF32(scores, d.Queries.Row(q), d.Base.Data, ids)
			locks[q].Lock()
			for j, score := range scores {
				lists[q].offer(int32(from+j), score)
				for mask := uint(d.Masks[from+j]); mask != 0; mask &= mask - 1 {
					lists[(1+bits.TrailingZeros(mask))*queries+q].offer(int32(from+j), score)
				}
			}
			locks[q].Unlock()
		}
	})
	d.Truth = make([]int32, 0, len(lists)*Neighbors)
	for i := range lists {
		l := &lists[i]
		for j := range Neighbors {
			if j >= l.n {
				l.rows[j] = -1
			}
		}
		d.Truth = append(d.Truth, l.rows[:]...)
	}
}
