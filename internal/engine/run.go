package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/quarry-search/quarry/internal/engine/segment"
)

// Run flushes, merges and builds graphs in the background until ctx ends. Its
// errors, as of a full disk, go to report, and it tries again with the next
// change or tick.
func (e *Engine) Run(ctx context.Context, report func(error)) {
	e.background.Store(true)
	defer e.background.Store(false)
	e.Warm(ctx)
	var graphs sync.WaitGroup
	defer graphs.Wait()
	graphs.Go(func() { e.runGraphs(ctx, report) })
	graphs.Go(func() { e.runRecall(ctx, report) })
	tick := time.NewTicker(e.options.FlushEvery)
	defer tick.Stop()
	for {
		overdue := false
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			overdue = true
		case <-e.wake:
		}
		if err := e.tend(ctx, overdue); err != nil {
			report(err)
		}
	}
}

// runGraphs builds graphs, which takes long: flushing goes on beside it.
func (e *Engine) runGraphs(ctx context.Context, report func(error)) {
	tick := time.NewTicker(e.options.FlushEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for built := true; built && ctx.Err() == nil; {
			var err error
			if built, err = e.consolidateOne(ctx); err == nil && !built {
				built, err = e.graphOne(ctx)
			}
			if err != nil && ctx.Err() == nil {
				report(err)
				built = false
			}
		}
	}
}

// tend does what is due: merging, then writing.
func (e *Engine) tend(ctx context.Context, overdue bool) error {
	for ctx.Err() == nil {
		merged, err := e.mergeOne(fanout)
		if err != nil {
			return err
		}
		if !merged {
			break
		}
	}
	if overdue || e.state.Load().memory > e.options.FlushBytes || e.Unwritten() != nil {
		if err := e.Flush(); err != nil {
			return err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reap() // what searches held when it was replaced: it takes room on disk
	return nil
}

// mergeOne merges once where a tier is full, a segment mostly dead, or small
// ones are enough for a graph, and reports whether there was such.
func (e *Engine) mergeOne(most int) (bool, error) {
	s := e.pin()
	defer s.unpin()
	merged := false
	var failed error
	s.each(func(name string, v *view) {
		if merged || failed != nil {
			return
		}
		chosen := v.dueForGraph(e.options.SmallRows, e.options.GraphRows)
		if chosen == nil {
			chosen = v.due(most, e.options.SmallRows, e.options.GraphRows)
		}
		if chosen == nil {
			return
		}
		var inputs []*part
		for i := range v.parts {
			if chosen[i] {
				inputs = append(inputs, v.parts[i])
			}
		}
		merged, failed = true, e.mergeParts(name, inputs)
	})
	return merged, failed
}

// mergeParts makes one segment of parts while batches go on being applied, and
// puts it in their place. Documents that died meanwhile die in it too. When
// one of the parts is no longer there the work was for nothing.
func (e *Engine) mergeParts(collection string, parts []*part) error {
	began := time.Now()
	seg, err := build(metricOf(parts), nil, parts)
	e.task(TaskMerge, began, err)
	if err != nil {
		if e.lost(err) {
			return nil
		}
		return err
	}
	e.replace(collection, parts, seg, nil)
	return nil
}

// replace puts a segment, and its graph if it has one, in the place of the
// parts that it was made of. It reports false where a part is no longer there.
func (e *Engine) replace(collection string, parts []*part, seg *segment.Segment, g *partGraph) bool {
	graphs, ok := e.replaceParts(collection, parts, seg, g)
	e.flushing.Lock()
	defer e.flushing.Unlock()
	for _, name := range graphs {
		delete(e.graphs, name) // no manifest will name it
	}
	return ok
}

// replaceParts is replace; it returns the graph files of the parts as well.
func (e *Engine) replaceParts(collection string, parts []*part, seg *segment.Segment, g *partGraph) (graphs []string, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.state.Load()
	v := now.view(collection)
	if v == nil {
		return nil, false
	}
	next := v.like()
	replaced := map[int]bool{}
	var dead []uint32
	for _, p := range parts {
		i := v.holding(p.seg)
		if i < 0 {
			return nil, false
		}
		replaced[i] = true
		if old := v.parts[i].graph; old != nil {
			graphs = append(graphs, graphName(old.file.number))
		}
		died := p.docs.Clone()
		died.AndNot(v.parts[i].docs)
		died.Each(func(doc uint32) {
			if at, ok := seg.Find(p.seg.DocID(doc)); ok {
				dead = append(dead, at)
			}
		})
	}
	for i, p := range v.parts {
		if !replaced[i] {
			next.parts = append(next.parts, p)
		}
	}
	if p := newPart(seg).with(g).without(dead); p.liveDocs > 0 {
		next.parts = append(next.parts, p)
	}
	e.publish(now.seq, map[string]*view{collection: next})
	e.merged.Store(true)
	return graphs, true
}

// Compact makes one segment of each collection, without the dead, and makes
// the result durable.
func (e *Engine) Compact(ctx context.Context) error {
	e.gate.RLock()
	defer e.gate.RUnlock()
	if e.closed {
		return ErrClosed
	}
	s := e.pin()
	defer s.unpin()
	var failed error
	s.each(func(name string, v *view) {
		whole := len(v.parts) == 1 && v.parts[0].whole()
		if failed == nil && len(v.parts) > 0 && !whole {
			failed = errors.Join(ctx.Err(), e.mergeParts(name, v.parts))
		}
	})
	if failed != nil {
		return failed
	}
	return e.flush()
}
