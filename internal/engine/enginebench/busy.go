package enginebench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/quarry-search/quarry/internal/engine"
	"github.com/quarry-search/quarry/internal/engine/vfs"
)

const (
	busyShare = 8               // one row in so many of the set's is ingested
	busyIdle  = 5 * time.Second // that searches are timed for before and after
	// busyAfter is how long searches are timed at most while graphs are built
	// after the last row came.
	busyAfter = 60 * time.Second
	// busyRate is how many searches a second arrive, whether those before have
	// ended or not.
	busyRate = 200
	// askers take turns with them, so that one that waits keeps up no other.
	askers = 8
)

// busy compares searches while rows are ingested as fast as they go with
// searches before, on an index of all rows: by one searcher that asks again
// when it is answered, then by searches that arrive at a steady rate.
func (b *Bench) busy(ctx context.Context, s *subject) error {
	for _, l := range []struct {
		name string
		run  searchLoad
	}{{"one searcher", closedLoop}, {"searches that arrive", arrivals}} {
		err := b.withTemporary(func(dir string) error {
			if err := linkIndex(filepath.Join(s.dir, indexDir), dir); err != nil {
				return err
			}
			return b.busyUnder(ctx, s, dir, l.name, l.run)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// linkIndex makes another index of the same files, which the engine never
// changes once they are written, but for the manifest.
func linkIndex(from, to string) error {
	paths, err := filepath.Glob(filepath.Join(from, "*"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		name := filepath.Base(path)
		if name != "manifest" {
			err = os.Link(path, filepath.Join(to, name))
		} else if text, failed := os.ReadFile(path); failed != nil {
			err = failed
		} else {
			err = os.WriteFile(filepath.Join(to, name), text, 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// busyUnder measures one kind of load.
func (b *Bench) busyUnder(ctx context.Context, s *subject, dir, name string, run searchLoad) error {
	fs, err := vfs.OpenDir(dir)
	if err != nil {
		return err
	}
	var did tasks
	e, err := engine.Open(engine.Options{FS: fs, FlushEvery: time.Second, Task: did.add})
	if err != nil {
		return err
	}
	e.Warm(ctx)
	x := indexed{e, s.data}
	stop := background(ctx, e)
	idle, err := during(ctx, x, run, func() error { time.Sleep(busyIdle); return ctx.Err() })
	if err == nil {
		b.say("  %s, idle: %s", name, spread(idle))
		err = b.whileBusy(ctx, x, run, &did, quantile(idle, 0.99))
	}
	return errors.Join(err, stop(), e.Close())
}

// whileBusy times searches while rows come, while graphs of them are built, and
// after that.
func (b *Bench) whileBusy(ctx context.Context, x indexed, run searchLoad, did *tasks, idle float64) error {
	rows := x.data.Base.Rows() / busyShare
	for _, phase := range []struct {
		name string
		work func() error
	}{
		{"ingesting", func() error { return ingest(ctx, x, rows) }},
		{"graphs being built", func() error { return waitForFew(ctx, x.Engine) }},
		{"at rest", func() error { time.Sleep(busyIdle); return ctx.Err() }},
	} {
		did.take()
		began := time.Now()
		took, err := during(ctx, x, run, phase.work)
		if err != nil {
			return err
		}
		lasted := time.Since(began).Seconds()
		stats, err := x.Stats(collection)
		if err != nil {
			return err
		}
		b.say("  %s: %d searches in %.1f s: %s; p99 %.1f times that of idle", phase.name, len(took), lasted, spread(took), quantile(took, 0.99)/idle)
		b.say("    %.0f rows a second, %s; %d segments, %d rows without a graph", float64(rows)/lasted, did.take(), stats.Segments, stats.Rows-stats.GraphRows)
		rows = 0
	}
	return nil
}

// waitForFew waits until so many rows have one that the others want none, for a
// minute at most.
func waitForFew(ctx context.Context, e *engine.Engine) error {
	const fewest = 50_000 // Options.GraphRows
	for began := time.Now(); ctx.Err() == nil && time.Since(began) < busyAfter; time.Sleep(100 * time.Millisecond) {
		stats, err := e.Stats(collection)
		if err != nil || stats.Rows-stats.GraphRows < fewest {
			return err
		}
	}
	return ctx.Err()
}

// ingest applies rows that nobody has seen: each a row of the set with a tenth
// of another one in it.
func ingest(ctx context.Context, x indexed, rows int) error {
	seq, all := x.Applied(), x.data.Base.Rows()
	for from := 0; from < rows; from += batchRows {
		batch := make([]engine.Change, 0, batchRows)
		for row := from; row < min(rows, from+batchRows); row++ {
			v := slices.Clone(x.data.Base.Row(row))
			for i, other := range x.data.Base.Row(all - 1 - row) {
				v[i] += other / 10
			}
			normalize(v)
			seq++
			c := change(x.data, row, all+row, seq)
			for h := range c.Vectors {
				c.Vectors[h] = v
			}
			batch = append(batch, c)
		}
		if err := errors.Join(ctx.Err(), x.Apply(batch)); err != nil {
			return err
		}
	}
	return nil
}

// tasks counts what the background did.
type tasks struct {
	mu    sync.Mutex
	names []string
}

func (t *tasks) add(name string, _ time.Duration, _ error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.names = append(t.names, name)
}

// take says what was done since it was asked last.
func (t *tasks) take() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	counts := map[string]int{}
	for _, name := range t.names {
		counts[name]++
	}
	t.names = nil
	return fmt.Sprintf("%d flushes, %d merges, %d graphs", counts[engine.TaskFlush], counts[engine.TaskMerge], counts[engine.TaskGraph])
}

// searchLoad asks until stop is closed, and returns how long each answer took.
type searchLoad func(ctx context.Context, x indexed, stop <-chan struct{}) ([]time.Duration, error)

// during runs a load while work runs, and returns its times, sorted.
func during(ctx context.Context, x indexed, run searchLoad, work func() error) ([]time.Duration, error) {
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- work()
		close(stop)
	}()
	took, err := run(ctx, x, stop)
	if err = errors.Join(err, <-done); err == nil && len(took) == 0 {
		err = errors.New("no search was answered")
	}
	slices.Sort(took)
	return took, err
}

// closedLoop asks the next when it is answered.
func closedLoop(ctx context.Context, x indexed, stop <-chan struct{}) (took []time.Duration, err error) {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return took, nil
		default:
		}
		one, err := latencies(ctx, x, i, 1)
		if err != nil {
			return nil, err
		}
		took = append(took, one...)
	}
}

// arrivals asks at busyRate. A search takes from when it should have begun.
func arrivals(ctx context.Context, x indexed, stop <-chan struct{}) ([]time.Duration, error) {
	var all sync.WaitGroup
	times, failed := make([][]time.Duration, askers), make([]error, askers)
	began := time.Now()
	for asker := range askers {
		all.Go(func() {
			for i := asker; failed[asker] == nil; i += askers {
				due := began.Add(time.Duration(i) * time.Second / busyRate)
				sleepUntil(due)
				select {
				case <-stop:
					return
				default:
				}
				_, failed[asker] = x.Search(ctx, query(x.data, -1, i, 0))
				times[asker] = append(times[asker], time.Since(due))
			}
		})
	}
	all.Wait()
	return slices.Concat(times...), errors.Join(failed...)
}
