package engine

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Recall is how many of the best rows sampled searches should have found, and
// how many of these they did.
type Recall struct{ Expected, Found int64 }

const (
	recallDepth = 10 // rows of a search that are compared
	recallQueue = 4  // samples that may wait; more are left out
	// recallRest is how many times as long as a repetition took the next one
	// waits: 5 % of one processor at most.
	recallRest = 19
)

// sample is a search to be repeated exactly on its own snapshot, which it pins.
type sample struct {
	state  *state
	query  Query
	path   string
	scores []float32 // of the rows that it found, best first
}

// recallCounts counts what repeated searches should have found and did.
type recallCounts struct {
	queue chan sample
	mu    sync.Mutex
	paths map[string]Recall
	colls map[string]Recall
}

// Recall returns what sampled searches found, by the path they took.
func (e *Engine) Recall() map[string]Recall {
	e.recall.mu.Lock()
	defer e.recall.mu.Unlock()
	out := map[string]Recall{PathScan1: {}, PathGraph: {}, PathFallback: {}}
	for path, r := range e.recall.paths {
		out[path] = r
	}
	return out
}

// sample has a search repeated in the background, now and then. It never
// waits. s holds the state.
func (e *Engine) sample(held *state, q Query, out Result) {
	if q.AsOf != 0 || q.GroupSize != 0 || out.DensePath == "" || out.DensePath == PathExact ||
		!e.background.Load() || rand.Float64() >= e.options.RecallSample {
		return
	}
	x := sample{state: held, query: q, path: out.DensePath}
	for _, c := range out.Candidates[:min(recallDepth, len(out.Candidates))] {
		if c.Dense.Rank > 0 {
			x.scores = append(x.scores, c.Dense.Value)
		}
	}
	held.pins.Add(1)
	select {
	case e.recall.queue <- x:
	default:
		held.unpin()
	}
}

// runRecall repeats samples until ctx ends.
func (e *Engine) runRecall(ctx context.Context, report func(error)) {
	for {
		select {
		case <-ctx.Done():
			e.dropSamples()
			return
		case x := <-e.recall.queue:
			began := time.Now()
			if err := e.repeat(x); err != nil {
				report(err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(recallRest * time.Since(began)):
			}
		}
	}
}

func (e *Engine) dropSamples() {
	for {
		select {
		case x := <-e.recall.queue:
			x.state.unpin()
		default:
			return
		}
	}
}

// repeat searches exactly for what a sampled search was to find, and counts. A
// row counts as found when the search found as many rows that are as good.
func (e *Engine) repeat(x sample) error {
	defer x.state.unpin()
	v := x.state.view(x.query.Collection)
	if v == nil {
		return nil
	}
	q := x.query
	q.Exact, q.Limit, q.Facets = true, min(recallDepth, q.Limit), nil
	s, err := e.prepare(v, q)
	if err != nil {
		return err
	}
	s.allow()
	best, _, err := s.dense()
	if err != nil || len(best) == 0 {
		return err
	}
	found := 0
	for _, score := range x.scores[:min(len(x.scores), len(best))] {
		if orderedScore(score) >= best[len(best)-1].score {
			found++
		}
	}
	e.recall.add(q.Collection, x.path, Recall{int64(len(best)), int64(found)})
	return nil
}

func (r *recallCounts) add(collection, path string, n Recall) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.paths[path] = Recall{r.paths[path].Expected + n.Expected, r.paths[path].Found + n.Found}
	r.colls[collection] = Recall{r.colls[collection].Expected + n.Expected, r.colls[collection].Found + n.Found}
}
