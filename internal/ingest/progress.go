package ingest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/quarry-search/quarry/internal/rag"
)

// progress is a seq that only grows and can be waited for.
type progress struct {
	mu      sync.Mutex
	seq     uint64
	changed chan struct{} // closed and replaced at each change
}

func newProgress(seq uint64) *progress {
	return &progress{seq: seq, changed: make(chan struct{})}
}

func (p *progress) advance(seq uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if seq > p.seq {
		p.seq = seq
		close(p.changed)
		p.changed = make(chan struct{})
	}
}

func (p *progress) at() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seq
}

// wait returns when seq is reached, or with ctx's error.
func (p *progress) wait(ctx context.Context, seq uint64) error {
	for {
		p.mu.Lock()
		at, changed := p.seq, p.changed
		p.mu.Unlock()
		if at >= seq {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// backoff is a pause that doubles from 50 ms to 5 s.
type backoff struct{ next time.Duration }

// pause waits; it returns early with ctx's error.
func (b *backoff) pause(ctx context.Context) error {
	b.next = min(max(2*b.next, 50*time.Millisecond), 5*time.Second)
	timer := time.NewTimer(b.next)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Freshness tells when the followers have read far enough.
type Freshness struct {
	Log      rag.Log
	Embedder *Embedder
	Indexer  *Indexer
}

// WaitApplied returns when the index shows everything up to seq, or with ctx's
// error.
func (f Freshness) WaitApplied(ctx context.Context, seq uint64) error {
	return f.Indexer.progress.wait(ctx, seq)
}

// WaitVectors returns when the index also shows the vectors of all texts up to
// seq, but for texts that cannot be embedded.
func (f Freshness) WaitVectors(ctx context.Context, seq uint64) error {
	if err := f.Embedder.progress.wait(ctx, seq); err != nil {
		return err
	}
	// The vectors that the embedder stored on its way stand in the log by now.
	head, err := f.Log.Head(ctx)
	if err != nil {
		return fmt.Errorf("wait for vectors: %w", err)
	}
	return f.WaitApplied(ctx, head)
}

// Lag is how far a follower is behind the log.
type Lag struct {
	Seq     uint64 // read and done with
	Changes uint64 // entries not yet read
	Poison  int    // texts or entries that fail again and again
}
