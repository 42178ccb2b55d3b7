package ingest

import (
	"context"
	"sync"

	"github.com/quarry-search/quarry/internal/rag"
)

// halt stops an indexer at a seq for a moment.
type halt struct {
	moving sync.Mutex // held while entries are applied

	mu       sync.Mutex
	at       uint64        // 0: nowhere
	released chan struct{} // closed when at is 0 again
}

// Halt is an indexer that applies nothing for a moment.
type Halt struct {
	indexer *Indexer
	resume  func()
}

// Halt has the indexer apply nothing until Close or At, whichever comes first. So
// a snapshot of its log's source can be taken that the index has not passed. One
// at a time.
func (x *Indexer) Halt() *Halt {
	x.halt.moving.Lock()
	return &Halt{x, sync.OnceFunc(x.halt.moving.Unlock)}
}

// Close lets the indexer go on.
func (h *Halt) Close() { h.resume() }

// At lets the indexer go on to a seq, which it has not passed, calls look while
// the index stands there, and lets it go on. Run must run.
func (h *Halt) At(ctx context.Context, seq uint64, look func() error) error {
	x := h.indexer
	x.halt.set(seq)
	defer x.halt.release()
	h.resume()
	if err := x.progress.wait(ctx, seq); err != nil {
		return err
	}
	return look()
}

func (h *halt) set(seq uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at, h.released = seq, make(chan struct{})
}

func (h *halt) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = 0
	close(h.released)
}

func (h *halt) on() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at != 0
}

// pass waits where the index, which has applied everything up to a seq, is to
// halt.
func (h *halt) pass(ctx context.Context, applied uint64) error {
	h.mu.Lock()
	at, released := h.at, h.released
	h.mu.Unlock()
	if at == 0 || applied < at {
		return nil
	}
	select {
	case <-released:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// cut leaves out the entries after where the index is to halt.
func (h *halt) cut(changes []rag.Change) []rag.Change {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, c := range changes {
		if h.at != 0 && c.Seq > h.at {
			return changes[:i]
		}
	}
	return changes
}
