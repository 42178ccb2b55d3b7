package sqlite

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// head is the seq of the last commit, and the bell that rings when it moves.
type head struct {
	mu    sync.Mutex
	seq   uint64
	moved chan struct{} // closed and replaced at each advance; nil until someone waits
}

func (h *head) advance(seq uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seq = seq
	if h.moved != nil {
		close(h.moved)
		h.moved = nil
	}
}

func (h *head) get() (seq uint64, moved <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.moved == nil {
		h.moved = make(chan struct{})
	}
	return h.seq, h.moved
}

// Head returns the seq of the last committed change.
func (c *Catalog) Head(ctx context.Context) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("read head: %w", err)
	}
	seq, _ := c.head.get()
	return seq, nil
}

// SeqAt returns the seq of the last change committed by a time, 0 for none.
func (c *Catalog) SeqAt(ctx context.Context, at time.Time) (uint64, error) {
	var seq int64
	err := c.read(ctx, "find a change by its time", func(r *conn) error {
		return r.one("SELECT coalesce((SELECT seq FROM changes WHERE time <= ? ORDER BY seq DESC LIMIT 1), 0)", []any{at.UnixMicro()}, &seq)
	})
	return uint64(seq), err
}

// WaitHead blocks until the head passes after.
func (c *Catalog) WaitHead(ctx context.Context, after uint64) (uint64, error) {
	for {
		seq, moved := c.head.get()
		if seq > after {
			return seq, nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return seq, fmt.Errorf("wait for change: %w", ctx.Err())
		case <-c.closed:
			return seq, errClosed
		}
	}
}

func lastSeq(ctx context.Context, c *conn) (uint64, error) {
	var seq int64
	err := c.raw.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) FROM changes").Scan(&seq)
	return uint64(seq), err
}
