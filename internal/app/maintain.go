package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/catalog/sqlite"
	"github.com/quarry-search/quarry/internal/index/local"
	"github.com/quarry-search/quarry/internal/ingest"
	"github.com/quarry-search/quarry/internal/rag"
)

// keptMaintenance is how many pieces of work can be asked for.
const keptMaintenance = 20

// maintenance checks and compacts the index of the running process, one piece
// of work at a time, on one processor beside everything else.
type maintenance struct {
	*App
	starts chan *work

	mu   sync.Mutex
	list []*work // oldest first
}

// work is one piece of it.
type work struct {
	collections []string
	cancel      context.CancelFunc
	ctx         context.Context
	over        chan struct{} // closed when it has ended
	state       api.Maintenance
}

func newMaintenance(a *App) *maintenance {
	return &maintenance{App: a, starts: make(chan *work, 1)}
}

// run works off what is started until ctx ends.
func (m *maintenance) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			m.stop(ctx.Err())
			return ctx.Err()
		case w := <-m.starts:
			stop := context.AfterFunc(ctx, w.cancel)
			err := m.work(w)
			stop()
			m.end(w, err)
		}
	}
}

// stop ends what was started and will not be done.
func (m *maintenance) stop(err error) {
	select {
	case w := <-m.starts:
		m.end(w, err)
	default:
	}
}

func (m *maintenance) work(w *work) error {
	if w.state.Kind == "check" {
		return m.check(w)
	}
	return m.compact(w)
}

// Start implements httpapi.Maintainer.
func (m *maintenance) Start(_ context.Context, in api.StartMaintenance) (api.Maintenance, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.list); n > 0 && m.list[n-1].state.State == "running" {
		return api.Maintenance{}, &rag.Error{Code: rag.CodeConflict, Message: fmt.Sprintf("maintenance %s (%s) is running", m.list[n-1].state.ID, m.list[n-1].state.Kind)}
	}
	w := &work{collections: in.Collections, over: make(chan struct{})}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	w.state = api.Maintenance{ID: strings.ToLower(ulid.Make().String()), Kind: in.Kind, State: "running", CreatedAt: time.Now().UTC()}
	m.list = append(m.list[max(0, len(m.list)-keptMaintenance+1):], w)
	m.starts <- w // one runs at a time, so there is room
	return w.state, nil
}

func (m *maintenance) find(id string) (*work, error) {
	i := slices.IndexFunc(m.list, func(w *work) bool { return w.state.ID == id })
	if i < 0 {
		return nil, rag.NotFound("maintenance " + id)
	}
	return m.list[i], nil
}

// Maintenance implements httpapi.Maintainer.
func (m *maintenance) Maintenance(id string) (api.Maintenance, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w, err := m.find(id)
	if err != nil {
		return api.Maintenance{}, err
	}
	return w.state, nil
}

// Cancel implements httpapi.Maintainer.
func (m *maintenance) Cancel(ctx context.Context, id string) (api.Maintenance, error) {
	m.mu.Lock()
	w, err := m.find(id)
	m.mu.Unlock()
	if err != nil {
		return api.Maintenance{}, err
	}
	w.cancel()
	select {
	case <-w.over:
		return m.Maintenance(id)
	case <-ctx.Done():
		return api.Maintenance{}, ctx.Err()
	}
}

// set changes the state that is shown.
func (m *maintenance) set(w *work, change func(s *api.Maintenance)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&w.state)
}

func (m *maintenance) end(w *work, err error) {
	m.set(w, func(s *api.Maintenance) {
		now := time.Now().UTC()
		s.State, s.FinishedAt = "done", &now
		switch {
		case errors.Is(err, context.Canceled):
			s.State = "canceled"
		case err != nil:
			var coded *rag.Error
			s.State, s.Error = "failed", "see the server's log"
			if errors.As(err, &coded) {
				s.Error = coded.Message
			}
		}
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		m.log.Error("maintenance failed", "event", "maintenance", "kind", w.state.Kind, "error", err)
	}
	w.cancel()
	close(w.over)
}

// compact compacts collections one after the other.
func (m *maintenance) compact(w *work) error {
	names := w.collections
	if len(names) == 0 {
		names = m.index.Audit().Collections()
	}
	before, err := sizesOf(w.ctx, m.catalog, m.index)
	if err != nil {
		return err
	}
	m.set(w, func(s *api.Maintenance) { s.Total, s.Before = int64(len(names)), (*api.IndexSizes)(&before) })
	for i, name := range names {
		if err := m.index.CompactCollection(w.ctx, name); err != nil && rag.CodeOf(err) != rag.CodeNotFound { // dropped meanwhile
			return fmt.Errorf("compact collection %q: %w", name, err)
		}
		m.set(w, func(s *api.Maintenance) { s.Done = int64(i + 1) })
	}
	after, err := sizesOf(w.ctx, m.catalog, m.index)
	m.set(w, func(s *api.Maintenance) { s.After = (*api.IndexSizes)(&after) })
	return err
}

// check verifies the files, then compares index and catalog at one seq. Files
// that are damaged are taken out of the index, which heals; other differences
// are told.
func (m *maintenance) check(w *work) error {
	report, err := m.index.Check(w.ctx)
	if err != nil {
		return err
	}
	checked := map[string]int64{}
	for name, n := range report.Checked {
		checked["index_"+name] = n
	}
	m.set(w, func(s *api.Maintenance) { s.Checked, s.Problems = maps.Clone(checked), problemsFor(report.Problems) })
	halt := m.indexer.Halt()
	defer halt.Close()
	return m.catalog.Snapshot(w.ctx, func(at *sqlite.Catalog) error { return m.compareAt(w, at, halt, checked) })
}

// compareAt compares the catalog with the index at the same seq, to which that
// goes on from where it was halted.
func (m *maintenance) compareAt(w *work, at *sqlite.Catalog, halt *ingest.Halt, checked map[string]int64) error {
	head, err := at.Head(w.ctx)
	if err != nil {
		return err
	}
	var index *local.Snapshot
	err = halt.At(w.ctx, head, func() (err error) {
		index, err = m.index.Snapshot()
		return err
	})
	if err != nil {
		return err
	}
	defer index.Close()
	if index.Seq() != head {
		return fmt.Errorf("the index stands at change %d, not at %d", index.Seq(), head)
	}
	if index.Lost() {
		return &rag.Error{Code: rag.CodeUnavailable, Message: "the index is healing: check it again when /readyz says ready"}
	}
	c := newComparison(at, index, m.embedder.Fingerprint())
	total, err := m.documentsIn(w.ctx, at)
	if err != nil {
		return err
	}
	m.set(w, func(s *api.Maintenance) { s.Seq, s.Total = index.Seq(), total })
	c.progress = func(n int64) { m.set(w, func(s *api.Maintenance) { s.Done = n }) }
	if err := c.run(w.ctx); err != nil {
		return err
	}
	c.count(checked)
	m.set(w, func(s *api.Maintenance) {
		s.Checked, s.Problems = checked, append(s.Problems, problemsFor(c.problems())...)
	})
	return nil
}

func (m *maintenance) documentsIn(ctx context.Context, at *sqlite.Catalog) (n int64, err error) {
	collections, err := at.ListCollections(ctx, system("progress of a check"))
	for _, c := range collections {
		counts, err := at.CountCollection(ctx, system("progress of a check"), c.Name)
		if err != nil {
			return n, err
		}
		n += counts.Documents
	}
	return n, err
}

func problemsFor(list []rag.Problem) []api.CheckProblem {
	out := make([]api.CheckProblem, len(list))
	for i, p := range list {
		out[i] = api.CheckProblem(p)
	}
	return out
}
