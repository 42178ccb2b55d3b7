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
)

// open opens the index three times: how long it takes by the clock until it is
// open, a first search is answered, and the graph is read.
func (b *Bench) open(ctx context.Context, s *subject) error {
	var opened, searched, warmed []time.Duration
	for range 3 {
		began := time.Now()
		e, err := openUnread(filepath.Join(s.dir, indexDir), 0)
		if err != nil {
			return err
		}
		opened = append(opened, time.Since(began))
		if _, err = e.Search(ctx, query(s.data, -1, 0, 0)); err == nil {
			searched = append(searched, time.Since(began))
			e.Warm(ctx)
			warmed = append(warmed, time.Since(began))
		}
		if err := errors.Join(err, e.Close()); err != nil {
			return err
		}
	}
	for _, list := range [][]time.Duration{opened, searched, warmed} {
		slices.Sort(list)
	}
	b.say("  open with its files in the page cache (medians of 3): %.2f s; with the first search %.2f s, with the graph read %.2f s",
		opened[1].Seconds(), searched[1].Seconds(), warmed[1].Seconds())
	return nil
}

// cores compares the throughput of two searchers with that of one.
func (b *Bench) cores(ctx context.Context, s *subject) error {
	return s.withIndex(func(x indexed) error {
		var rates [2]float64
		for range passes { // in turn, so that other work meets both
			for i := range rates {
				n, err := throughput(ctx, x, i+1, time.Second)
				if err != nil {
					return err
				}
				rates[i] = max(rates[i], n)
			}
		}
		b.say("  one searcher %.0f a second, two %.0f: %.2f times", rates[0], rates[1], rates[1]/rates[0])
		return nil
	})
}

// throughput is searches per second by the clock.
func throughput(ctx context.Context, x indexed, searchers int, each time.Duration) (float64, error) {
	var group sync.WaitGroup
	counts, failed := make([]int, searchers), make([]error, searchers)
	began := time.Now()
	for i := range searchers {
		group.Go(func() {
			for at := i * 31; time.Since(began) < each && failed[i] == nil; at++ {
				_, failed[i] = x.Search(ctx, query(x.data, -1, at, 0))
				counts[i]++
			}
		})
	}
	group.Wait()
	sum := 0
	for _, n := range counts {
		sum += n
	}
	return float64(sum) / time.Since(began).Seconds(), errors.Join(failed...)
}

// latencies searches n times, and returns how long each took, sorted.
func latencies(ctx context.Context, x indexed, from, n int) ([]time.Duration, error) {
	took := make([]time.Duration, 0, n)
	for i := range n {
		began := time.Now()
		if _, err := x.Search(ctx, query(x.data, -1, from+i, 0)); err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took, nil
}

// spread describes sorted times.
func spread(took []time.Duration) string {
	return fmt.Sprintf("p50 %.2f ms, p99 %.2f ms, worst %.2f ms", quantile(took, 0.5), quantile(took, 0.99), quantile(took, 1))
}

// quantile returns one of sorted times, in milliseconds.
func quantile(took []time.Duration, p float64) float64 {
	return float64(took[min(len(took)-1, int(p*float64(len(took))))].Microseconds()) / 1000
}

// cold drops the index's files from the page cache and searches.
func (b *Bench) cold(ctx context.Context, s *subject) error {
	if err := dropCache(filepath.Join(s.dir, indexDir)); err != nil {
		b.say("  left out: %v", err)
		return nil
	}
	began := time.Now()
	return s.withIndex(func(x indexed) error {
		b.say("  opened from disk in %.2f s", time.Since(began).Seconds())
		const first = 100
		for _, name := range []string{"the first 100 searches", "the next 100, others", "the first 100 again"} {
			from := 0
			if name == "the next 100, others" {
				from = first
			}
			took, err := latencies(ctx, x, from, first)
			if err != nil {
				return err
			}
			b.say("  %s: %s", name, spread(took))
		}
		return nil
	})
}

// withTemporary runs f with a folder beside the data sets that goes after it.
func (b *Bench) withTemporary(f func(dir string) error) error {
	dir, err := os.MkdirTemp(b.Dir, "tmp-*")
	if err != nil {
		return err
	}
	return errors.Join(f(dir), os.RemoveAll(dir))
}

// smallIndex makes an index of the first rows in dir, with its graph, and
// leaves it open. GraphRows is the engine's option.
func smallIndex(ctx context.Context, dir string, d *Dataset, rows, graphRows int) (*engine.Engine, error) {
	e, err := openAt(dir, graphRows)
	if err != nil {
		return nil, err
	}
	err = apply(ctx, e, d, 0, rows, e.Applied())
	if err == nil {
		err = e.Compact(ctx)
	}
	if err == nil {
		err = waitForGraph(ctx, e, rows)
	}
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}
