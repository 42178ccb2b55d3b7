package model

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// cores shares the machine between every pass of every model.
var cores = newScheduler(runtime.GOMAXPROCS(0))

// scheduler gives out cores. It has no goroutine of its own: callers compute.
// Interactive work waits in a queue that is emptied by whoever gets a core
// first: a caller that finds one free, or a background pass, which looks at
// the queue between blocks of rows. Work that has queued up together runs
// together.
type scheduler struct {
	free    chan struct{} // holds a value per core in use
	waiting atomic.Int32  // length of queue, to be read between blocks

	mu    sync.Mutex
	queue []*task
}

// task is an interactive pass.
type task struct {
	ctx   context.Context
	model *Model
	seqs  []sequence
	done  chan struct{} // closed when out or err is set
	out   [][]float32
	err   error
}

func newScheduler(n int) *scheduler { return &scheduler{free: make(chan struct{}, max(1, n))} }

// size is the number of cores.
func (s *scheduler) size() int { return cap(s.free) }

// interactive runs a pass ahead of all background work.
func (s *scheduler) interactive(ctx context.Context, m *Model, seqs []sequence) ([][]float32, error) {
	t := &task{ctx: ctx, model: m, seqs: seqs, done: make(chan struct{})}
	s.mu.Lock()
	s.queue = append(s.queue, t)
	s.waiting.Store(int32(len(s.queue)))
	s.mu.Unlock()
	select {
	case s.free <- struct{}{}:
		s.drain()
		<-s.free
	case <-t.done:
	case <-ctx.Done():
	}
	// Either it is done, or in the hands of another, or nobody wants it.
	select {
	case <-t.done:
		return t.out, t.err
	case <-ctx.Done():
		s.forget(t)
		return nil, ctx.Err()
	}
}

// background runs a pass that gives way to interactive work.
func (s *scheduler) background(ctx context.Context, m *Model, seqs []sequence) ([][]float32, error) {
	select {
	case s.free <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.free }()
	return m.forward(seqs, func() error {
		if s.waiting.Load() > 0 {
			s.drain()
		}
		// Whoever has its answer now, or serves requests, runs first: without
		// this it waits for the end of a time slice, ten milliseconds.
		runtime.Gosched()
		return ctx.Err()
	})
}

// drain runs queued tasks until there are none.
func (s *scheduler) drain() {
	for {
		batch := s.take()
		if batch == nil {
			return
		}
		run(batch)
	}
}

// take removes the first task and those behind it that fit into its pass.
func (s *scheduler) take() []*task {
	s.mu.Lock()
	defer s.mu.Unlock()
	var batch, rest []*task
	tokens := 0
	for _, t := range s.queue {
		n := countTokens(t.seqs)
		if len(batch) == 0 || t.model == batch[0].model && tokens+n <= passTokens {
			batch, tokens = append(batch, t), tokens+n
		} else {
			rest = append(rest, t)
		}
	}
	s.queue = rest
	s.waiting.Store(int32(len(rest)))
	return batch
}

func (s *scheduler) forget(t *task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, q := range s.queue {
		if q == t {
			s.queue = append(s.queue[:i:i], s.queue[i+1:]...)
			s.waiting.Store(int32(len(s.queue)))
			return
		}
	}
}

// run computes tasks of one model in one pass; it stops when every caller has
// gone.
func run(batch []*task) {
	var seqs []sequence
	for _, t := range batch {
		seqs = append(seqs, t.seqs...)
	}
	out, err := batch[0].model.forward(seqs, func() error {
		for _, t := range batch {
			if t.ctx.Err() == nil {
				return nil
			}
		}
		return batch[0].ctx.Err()
	})
	for _, t := range batch {
		if err == nil {
			t.out, out = out[:len(t.seqs)], out[len(t.seqs):]
		}
		t.err = err
		close(t.done)
	}
}

func countTokens(seqs []sequence) int {
	n := 0
	for _, q := range seqs {
		n += len(q.ids)
	}
	return n
}
