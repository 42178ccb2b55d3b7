package enginebench

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"github.com/quarry-search/quarry/internal/engine"
)

// smallRows are what experiments with indexes of their own work on.
const smallRows = 100_000

// churnGraphRows is Options.GraphRows there: so low that most of what is
// replaced comes into the graph by merges.
const churnGraphRows = 4000

// churn replaces every second row, by merges that reuse graphs, and compares
// recall with that of an index that was built of the same rows at once.
func (b *Bench) churn(ctx context.Context, s *subject) error {
	rows := min(smallRows, s.data.Base.Rows()*2/3)
	after := replaced(s.data, rows)
	return b.withTemporary(func(dir string) error {
		timer := newTimer()
		fresh, err := smallIndex(ctx, filepath.Join(dir, "fresh"), after, rows, churnGraphRows)
		if err != nil {
			return err
		}
		b.say("  built at once: %.0f CPU-s", timer.seconds())
		err = b.recalls(ctx, "built at once", indexed{fresh, after})
		if err = errors.Join(err, fresh.Close()); err != nil {
			return err
		}
		worn, err := smallIndex(ctx, filepath.Join(dir, "worn"), s.data, rows, churnGraphRows)
		if err != nil {
			return err
		}
		timer = newTimer()
		err = replace(ctx, worn, s.data, rows)
		if err == nil {
			stats, _ := worn.Stats(collection)
			b.say("  half replaced: %.0f CPU-s; %d segments, %.0f %% of the rows in graphs",
				timer.seconds(), stats.Segments, 100*float64(stats.GraphRows)/float64(stats.Rows))
			err = b.recalls(ctx, "half replaced", indexed{worn, after})
		}
		return errors.Join(err, worn.Close())
	})
}

// replaced is the data set of the first rows after every second one was
// replaced by one from behind them.
func replaced(d *Dataset, rows int) *Dataset {
	dim := d.Base.Dim
	after := &Dataset{
		Base:    Matrix{dim, slices.Clone(d.Base.Data[:rows*dim])},
		Queries: d.Queries, Masks: slices.Clone(d.Masks[:rows]),
	}
	for i := 0; i < rows; i += 2 {
		copy(after.Base.Row(i), d.Base.Row(rows+i/2))
		after.Masks[i] = d.Masks[rows+i/2]
	}
	after.SetTruth()
	return after
}

// replace puts new vectors under the names of every second row, and waits for
// merges to settle.
func replace(ctx context.Context, e *engine.Engine, d *Dataset, rows int) error {
	stop := background(ctx, e)
	seq := e.Applied()
	var changes []engine.Change
	for i := 0; i < rows; i += 2 {
		seq++
		changes = append(changes, change(d, rows+i/2, i, seq))
		if len(changes) < batchRows && i < rows-2 {
			continue
		}
		if err := e.Apply(changes); err != nil {
			return errors.Join(err, stop())
		}
		changes = changes[:0]
	}
	return errors.Join(settle(ctx, e), stop())
}

// settle waits until the segments have stayed as they are for a while.
func settle(ctx context.Context, e *engine.Engine) error {
	const quiet = 20 * time.Second // a graph of what was replaced is built in less
	var last engine.Stats
	since := time.Now()
	for ctx.Err() == nil && time.Since(since) < quiet {
		now, err := e.Stats(collection)
		if err != nil {
			return err
		}
		if now.Segments != last.Segments || now.GraphRows != last.GraphRows {
			last, since = now, time.Now()
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	return ctx.Err()
}

// recalls prints recall@10 at some beams.
func (b *Bench) recalls(ctx context.Context, what string, x indexed) error {
	for _, beam := range []int{48, 96, 192} {
		r, path, err := recall(ctx, x, -1, beam)
		if err != nil {
			return err
		}
		b.say("  %s: beam %d, recall %.4f by %s", what, beam, r, path)
	}
	return nil
}
