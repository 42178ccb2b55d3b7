package ingest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/quarry-search/quarry/internal/rag"
)

// embedBatch is how many texts go to the model at once: many, so that it can
// pack them by length; not all, so that vectors arrive as they come.
const embedBatch = 64

// probe is a text that every model can embed. When it fails too, the model is
// at fault and not the texts.
const probe = "quarry"

// Embedder follows the log, computes the vectors that published texts lack,
// and stores them, which appends to the log again. A text that cannot be
// embedded does not hold up the others: it is reported, tried again with
// growing pauses, and the stored cursor stays before it, so that no restart
// forgets it.
type Embedder struct {
	log        rag.Log
	embeddings rag.Embeddings
	model      rag.Embedder
	events     Events

	progress *progress
	mu       sync.Mutex
	failed   map[rag.Hash]failedText
}

// failedText is a text that the model refused.
type failedText struct {
	text string
	seq  uint64 // of the first entry that published it
}

// text is one text to be embedded, with the entry that wants it.
type text struct {
	hash rag.Hash
	text string
	seq  uint64
}

// batch is a piece of the log: what is missing in it, and how far the log is
// done with once it is stored.
type batch struct {
	texts   []text
	reused  int
	durable bool // storing it is worth a write even without vectors
	seq     uint64
	vectors []rag.Vector
}

// NewEmbedder returns an Embedder for one model.
func NewEmbedder(log rag.Log, embeddings rag.Embeddings, model rag.Embedder, events Events) *Embedder {
	return &Embedder{
		log: log, embeddings: embeddings, model: model, events: events,
		progress: newProgress(0), failed: map[rag.Hash]failedText{},
	}
}

// Read is the seq of the last entry whose texts have been embedded or given up
// for now.
func (e *Embedder) Read() uint64 { return e.progress.at() }

// Run follows the log until ctx ends. Reading ahead, embedding and storing
// overlap, so that the model never waits while there is work.
func (e *Embedder) Run(ctx context.Context) error {
	after, err := e.log.Cursor(ctx, EmbedderName)
	if err != nil {
		return fmt.Errorf("start embedder: %w", err)
	}
	e.progress.advance(after)
	group, ctx := errgroup.WithContext(ctx)
	missing, embedded := make(chan *batch), make(chan *batch)
	group.Go(func() error { return e.read(ctx, after, missing) })
	group.Go(func() error { return e.embedAll(ctx, missing, embedded) })
	group.Go(func() error { return e.store(ctx, embedded) })
	group.Go(func() error { return e.retryFailed(ctx) })
	return group.Wait()
}

// read turns the log into batches of texts that lack a vector.
func (e *Embedder) read(ctx context.Context, after uint64, out chan<- *batch) error {
	r := &reader{Embedder: e, after: after}
	var pause backoff
	for {
		batches, err := r.next(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			e.events.follower(EmbedderName, Transient, err)
			if err := pause.pause(ctx); err != nil {
				return err
			}
			continue
		}
		pause = backoff{}
		for _, b := range batches {
			select {
			case out <- b:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// embedAll embeds batches in their order.
func (e *Embedder) embedAll(ctx context.Context, in <-chan *batch, out chan<- *batch) error {
	for {
		select {
		case b := <-in:
			if err := e.embed(ctx, b); err != nil {
				return err
			}
			select {
			case out <- b:
			case <-ctx.Done():
				return ctx.Err()
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// embed fills in the batch's vectors. Its only error is the context's.
func (e *Embedder) embed(ctx context.Context, b *batch) error {
	if len(b.texts) == 0 {
		e.events.embedded(0, b.reused, 0, 0)
		return nil
	}
	began := time.Now()
	for pause := (backoff{}); ; {
		vectors, err := e.vectors(ctx, b.texts)
		if err == nil {
			b.vectors = vectors
			break
		}
		if _, down := e.vectors(ctx, []text{{text: probe}}); down == nil && ctx.Err() == nil {
			failed, err := e.bisect(ctx, b, b.texts)
			e.noteFailed(failed, err)
			break
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		e.events.follower(EmbedderName, Transient, err)
		if err := pause.pause(ctx); err != nil {
			return err
		}
	}
	e.events.embedded(len(b.vectors), b.reused, len(b.texts)-len(b.vectors), time.Since(began))
	return ctx.Err()
}

// bisect embeds texts, halving them on an error until those at fault stand
// alone. It returns these and the last error.
func (e *Embedder) bisect(ctx context.Context, b *batch, texts []text) (failed []text, err error) {
	vectors, err := e.vectors(ctx, texts)
	if err == nil {
		b.vectors = append(b.vectors, vectors...)
		return nil, nil
	}
	if len(texts) == 1 || ctx.Err() != nil {
		return texts, err
	}
	first, firstErr := e.bisect(ctx, b, texts[:len(texts)/2])
	second, secondErr := e.bisect(ctx, b, texts[len(texts)/2:])
	if secondErr == nil {
		secondErr = firstErr
	}
	return append(first, second...), secondErr
}

// vectors embeds all texts or none.
func (e *Embedder) vectors(ctx context.Context, texts []text) ([]rag.Vector, error) {
	plain := make([]string, len(texts))
	for i, t := range texts {
		plain[i] = t.text
	}
	values, err := e.model.Embed(ctx, rag.EmbedBackground, plain)
	if err != nil {
		return nil, fmt.Errorf("embed %d texts: %w", len(texts), err)
	}
	if len(values) != len(texts) {
		return nil, fmt.Errorf("embed %d texts: the model returned %d vectors", len(texts), len(values))
	}
	vectors := make([]rag.Vector, len(texts))
	for i, t := range texts {
		if !sound(values[i], e.model.Dim()) {
			return nil, fmt.Errorf("embed %d texts: the model returned a vector that is not of unit length", len(texts))
		}
		vectors[i] = rag.Vector{TextHash: t.hash, Values: values[i]}
	}
	return vectors, nil
}

// sound reports whether v is a unit vector, give or take its rounding. A NaN
// or an infinity in it is not.
func sound(v []float32, dim int) bool {
	var norm float64
	for _, x := range v {
		norm += float64(x) * float64(x)
	}
	return len(v) == dim && norm > 0.9 && norm < 1.1
}

// store writes batches in their order and moves the cursor.
func (e *Embedder) store(ctx context.Context, in <-chan *batch) error {
	for {
		select {
		case b := <-in:
			if err := e.storeOne(ctx, b); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (e *Embedder) storeOne(ctx context.Context, b *batch) error {
	for pause := (backoff{}); b.durable || len(b.vectors) > 0; {
		_, err := e.embeddings.PutVectors(ctx, e.model.Fingerprint(), b.vectors, EmbedderName, e.cursor(b.seq))
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		e.events.follower(EmbedderName, Transient, err)
		if err := pause.pause(ctx); err != nil {
			return err
		}
	}
	e.progress.advance(b.seq)
	return nil
}

// Lag compares the embedder with the head of the log.
func (e *Embedder) Lag(ctx context.Context) (Lag, error) {
	head, err := e.log.Head(ctx)
	if err != nil {
		return Lag{}, err
	}
	at := e.progress.at()
	e.mu.Lock()
	defer e.mu.Unlock()
	return Lag{Seq: at, Changes: head - min(at, head), Poison: len(e.failed)}, nil
}
