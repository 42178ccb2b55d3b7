package enginebench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/quarry-search/quarry/internal/engine"
	"github.com/quarry-search/quarry/internal/filter"
)

const (
	// groups of fewRows rows each lie spread over a set; most rows are in none.
	groups     = 1000
	fewRows    = 3
	groupField = "group"
)

// groupOf returns the group that a row of a set is in.
func groupOf(row, rows int) (group int, ok bool) {
	every := max(1, rows/(groups*fewRows))
	if row%every != 0 || row >= min(rows, every*groups*fewRows) {
		return 0, false
	}
	return row / every % groups, true
}

// few searches under filters that pass three rows: under each once, so that
// nothing is known of it, and under one of them again and again.
func (b *Bench) few(ctx context.Context, s *subject) error {
	if s.data.Base.Rows() < groups*fewRows {
		b.say("  left out: there are fewer than %d rows", groups*fewRows)
		return nil
	}
	return s.withIndex(func(x indexed) error {
		for _, c := range []struct {
			name string
			of   func(i int) int
		}{
			{"each filter for the first time", func(i int) int { return i }},
			{"the same filter again", func(int) int { return 0 }},
		} {
			var took []time.Duration
			found, path := 0, ""
			timer := newTimer()
			for i := range groups {
				q := query(s.data, -1, i, 0)
				q.Filter = filter.Test(filter.Eq, groupField, filter.NumberOf(float64(c.of(i))))
				began := time.Now()
				result, err := x.Search(ctx, q)
				if err != nil {
					return fmt.Errorf("an index that lacks the groups is to be built anew: %w", err)
				}
				took = append(took, time.Since(began))
				found, path = found+inGroup(result, c.of(i), s.data.Base.Rows()), result.DensePath
			}
			slices.Sort(took)
			b.say("  %s: recall %.4f by %s, %s, %.3f CPU-ms each",
				c.name, float64(found)/(groups*fewRows), path, spread(took), 1000*timer.seconds()/groups)
		}
		return nil
	})
}

// inGroup counts the candidates that are in a group.
func inGroup(result engine.Result, group, rows int) (n int) {
	for _, c := range result.Candidates {
		var row int
		if _, err := fmt.Sscan(c.DocID, &row); err != nil {
			continue
		}
		if g, ok := groupOf(row, rows); ok && g == group {
			n++
		}
	}
	return n
}
