package model

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newTask(ctx context.Context, m *Model, text string) *task {
	return &task{ctx: ctx, model: m, seqs: []sequence{{ids: m.encode(Query, text)}}, done: make(chan struct{})}
}

func (s *scheduler) push(t *task) {
	s.queue = append(s.queue, t)
	s.waiting.Store(int32(len(s.queue)))
}

// doneContext is cancelled as soon as a channel is closed, without delay.
type doneContext struct {
	context.Context
	done chan struct{}
}

func (c doneContext) Err() error {
	select {
	case <-c.done:
		return context.Canceled
	default:
		return nil
	}
}

// TestInteractiveOvertakes has one core, held by a background pass: the pass
// itself must run the query, in its midst, which its context then sees.
func TestInteractiveOvertakes(t *testing.T) {
	m, s := mustBuiltin(t), newScheduler(1)
	q := newTask(t.Context(), m, "a query")
	s.push(q)
	_, err := s.background(doneContext{t.Context(), q.done}, m, []sequence{{ids: m.encode(Background, sentences(t)[92])}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the query was not answered before the background pass ended (error %v)", err)
	}
	if q.err != nil || len(q.out) != 1 {
		t.Errorf("query: %d vectors, error %v", len(q.out), q.err)
	}
}

// TestBackgroundYields has one processor: another goroutine must get to run
// in the midst of a pass.
func TestBackgroundYields(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	done := make(chan struct{})
	go close(done)
	_, err := newScheduler(1).background(doneContext{t.Context(), done}, mustBuiltin(t), []sequence{{ids: []int32{101, 102}}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("nothing else ran during the pass (error %v)", err)
	}
}

func TestQueuedQueriesRunTogether(t *testing.T) {
	m, s := mustBuiltin(t), newScheduler(1)
	other := m.withKernels(m.kernels)
	long := sentences(t)[92]
	tasks := []*task{
		newTask(t.Context(), m, "first"), newTask(t.Context(), other, "another model"),
		newTask(t.Context(), m, long), newTask(t.Context(), m, long), newTask(t.Context(), m, "last"),
	}
	for _, q := range tasks {
		s.push(q)
	}
	var got []string
	for {
		batch := s.take()
		if batch == nil {
			break
		}
		names := ""
		for _, b := range batch {
			for i, q := range tasks {
				if q == b {
					names += fmt.Sprint(i)
				}
			}
		}
		got = append(got, names)
	}
	if want := "[024 1 3]"; fmt.Sprint(got) != want {
		t.Errorf("passes %v, want %v", got, want)
	}
}

func TestCancelledQueryLeavesTheQueue(t *testing.T) {
	m, s := mustBuiltin(t), newScheduler(1)
	s.free <- struct{}{} // the only core is busy
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.interactive(ctx, m, []sequence{{ids: []int32{101, 102}}}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if len(s.queue) != 0 || s.waiting.Load() != 0 {
		t.Errorf("%d tasks are still queued", len(s.queue))
	}
	if _, err := s.background(ctx, m, []sequence{{ids: []int32{101, 102}}}); !errors.Is(err, context.Canceled) {
		t.Errorf("background: error %v", err)
	}
}

func TestRunStopsWhenNobodyWaits(t *testing.T) {
	m := mustBuiltin(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	gone, here := newTask(ctx, m, "gone"), newTask(t.Context(), m, "here")
	run([]*task{gone, here})
	if here.err != nil || len(here.out) != 1 {
		t.Errorf("a query lost its answer because another caller went away: %v", here.err)
	}
	gone = newTask(ctx, m, "gone")
	if run([]*task{gone}); !errors.Is(gone.err, context.Canceled) {
		t.Errorf("error %v", gone.err)
	}
}

// TestPassesAreBounded checks that the memory of a pass does not grow with
// the number of texts.
func TestPassesAreBounded(t *testing.T) {
	var seqs []sequence
	for i := range 5000 {
		seqs = append(seqs, sequence{ids: make([]int32, 2+i*i%700)})
	}
	total := 0
	for _, p := range split(seqs) {
		if n := countTokens(p); n > passTokens && len(p) > 1 {
			t.Fatalf("a pass of %d texts has %d tokens", len(p), n)
		}
		total += len(p)
	}
	if total != len(seqs) {
		t.Errorf("%d texts went in, %d came out", len(seqs), total)
	}
}

func TestManyTexts(t *testing.T) {
	m := mustBuiltin(t)
	texts := make([]string, 2*windowTexts+7)
	for i := range texts {
		texts[i] = string(rune('a' + i%26))
	}
	v, err := m.Embed(t.Context(), Background, texts)
	if err != nil || len(v) != len(texts) {
		t.Fatalf("%d vectors of %d, error %v", len(v), len(texts), err)
	}
	for i := range v {
		if c := cosine(v[i], v[i%26]); c < 1-1e-6 {
			t.Fatalf("text %d: cosine %g to its twin", i, c)
		}
	}
}
