package ingest

import (
	"context"
	"fmt"
	"time"
)

// Failed texts are tried again this often.
const (
	firstRetry = 10 * time.Second
	lastRetry  = 10 * time.Minute
)

// noteFailed keeps texts that the model refused.
func (e *Embedder) noteFailed(texts []text, err error) {
	if len(texts) == 0 {
		return
	}
	e.mu.Lock()
	for _, t := range texts {
		if _, known := e.failed[t.hash]; !known {
			e.failed[t.hash] = failedText{t.text, t.seq}
		}
	}
	e.mu.Unlock()
	e.events.follower(EmbedderName, Poison, fmt.Errorf("%d texts, the first of change %d: %w", len(texts), texts[0].seq, err))
}

// cursor is what may be stored after a batch that ends at seq.
//
// Invariant: it stays before the first entry with a text that still fails.
func (e *Embedder) cursor(seq uint64) uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, f := range e.failed {
		seq = min(seq, f.seq-1)
	}
	return seq
}

// retryFailed tries the failed texts again, one by one, at growing intervals.
func (e *Embedder) retryFailed(ctx context.Context) error {
	wait := firstRetry
	for {
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
		wait = min(2*wait, lastRetry)
		if e.retryOnce(ctx) == 0 {
			wait = firstRetry
		}
	}
}

// retryOnce returns how many texts still fail.
func (e *Embedder) retryOnce(ctx context.Context) int {
	e.mu.Lock()
	texts := make([]text, 0, len(e.failed))
	for h, f := range e.failed {
		texts = append(texts, text{h, f.text, f.seq})
	}
	e.mu.Unlock()
	still := 0
	for _, t := range texts {
		vectors, err := e.vectors(ctx, []text{t})
		if err != nil {
			still++
			continue
		}
		e.mu.Lock()
		delete(e.failed, t.hash)
		e.mu.Unlock()
		if _, err := e.embeddings.PutVectors(ctx, e.model.Fingerprint(), vectors, EmbedderName, e.cursor(e.progress.at())); err != nil {
			e.noteFailed([]text{t}, err)
			still++
		}
	}
	return still
}
