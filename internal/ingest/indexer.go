package ingest

import (
	"context"
	"fmt"
	"time"

	"github.com/quarry-search/quarry/internal/rag"
)

// changePage is how many log entries are read at a time; the catalog returns
// fewer when they are large.
const changePage = 512

// IndexerName and EmbedderName name the followers in events and cursors.
const (
	IndexerName  = "index"
	EmbedderName = "embedder"
)

// Index is what the indexer feeds.
type Index interface {
	Apply(ctx context.Context, changes []rag.IndexChange) error
	Applied() uint64
}

// Indexer follows the log and applies every entry, in order, to an index. The
// index itself remembers how far it has come.
type Indexer struct {
	log         rag.Log
	embeddings  rag.Embeddings
	index       Index
	fingerprint string // whose vectors the index gets
	events      Events

	progress *progress
	halt     halt
	healing  *healing // nil without
	// delivered: entries up to here that announce vectors are old news. The
	// vectors were stored before the replay began, so the published entries
	// carried them.
	delivered uint64
}

// NewIndexer returns an Indexer for vectors of one fingerprint.
func NewIndexer(log rag.Log, embeddings rag.Embeddings, index Index, fingerprint string, events Events) *Indexer {
	return &Indexer{
		log: log, embeddings: embeddings, index: index, fingerprint: fingerprint, events: events,
		progress: newProgress(index.Applied()),
	}
}

// Applied is the seq of the last entry that searches see.
func (x *Indexer) Applied() uint64 { return x.progress.at() }

// Run follows the log until ctx ends. An entry that cannot be applied is tried
// again with growing pauses: an index must not skip.
func (x *Indexer) Run(ctx context.Context) error {
	if x.index.Applied() == 0 {
		head, err := x.log.Head(ctx)
		if err != nil {
			return fmt.Errorf("start indexer: %w", err)
		}
		x.delivered = head
	}
	var pause backoff
	limit := changePage
	for {
		err := x.step(ctx, limit)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			pause, limit = backoff{}, changePage
			continue
		}
		// A smaller step lets everything before the entry at fault through.
		kind := Transient
		if limit == 1 {
			kind = Poison
		}
		limit = max(1, limit/8)
		x.events.follower(IndexerName, kind, err)
		if err := pause.pause(ctx); err != nil {
			return err
		}
	}
}

// step applies one page of entries, or waits for the next one.
func (x *Indexer) step(ctx context.Context, limit int) error {
	after := x.index.Applied()
	if err := x.halt.pass(ctx, after); err != nil {
		return err
	}
	read, err := x.apply(ctx, after, limit)
	if err != nil {
		return err
	}
	if read == 0 {
		return x.idle(ctx, after)
	}
	if read < limit {
		if _, err := x.healStep(ctx); err != nil {
			x.events.follower(IndexerName, Transient, err)
		}
	}
	return nil
}

// apply applies one page of entries, up to where the index is to halt, and
// returns how many it read.
func (x *Indexer) apply(ctx context.Context, after uint64, limit int) (int, error) {
	x.halt.moving.Lock()
	defer x.halt.moving.Unlock()
	changes, err := x.log.Changes(ctx, after, limit)
	if err != nil {
		return 0, fmt.Errorf("read changes after %d: %w", after, err)
	}
	read := len(changes)
	if changes = x.halt.cut(changes); len(changes) == 0 {
		return read, nil
	}
	began := time.Now()
	batch, err := x.withVectors(ctx, changes)
	if err != nil {
		return read, err
	}
	if err := x.index.Apply(ctx, batch); err != nil {
		return read, fmt.Errorf("apply changes %d to %d: %w", changes[0].Seq, changes[len(changes)-1].Seq, err)
	}
	x.progress.advance(x.index.Applied())
	x.events.applied(batch, time.Since(began))
	return read, nil
}

// withVectors adds to each entry the vectors that it makes available.
func (x *Indexer) withVectors(ctx context.Context, changes []rag.Change) ([]rag.IndexChange, error) {
	wanted := make([][]rag.Hash, len(changes))
	all := map[string][]rag.Hash{} // by fingerprint
	for i, c := range changes {
		if wanted[i] = x.wanted(c); len(wanted[i]) > 0 {
			all[x.fingerprintOf(c)] = append(all[x.fingerprintOf(c)], wanted[i]...)
		}
	}
	vectors := map[string]map[rag.Hash][]float32{}
	for fingerprint, hashes := range all {
		found, err := x.embeddings.Vectors(ctx, fingerprint, hashes)
		if err != nil {
			return nil, fmt.Errorf("read vectors for changes after %d: %w", changes[0].Seq-1, err)
		}
		vectors[fingerprint] = found
	}
	batch := make([]rag.IndexChange, len(changes))
	for i, c := range changes {
		batch[i].Change = x.ours(c)
		if len(wanted[i]) == 0 {
			continue
		}
		batch[i].Vectors = make(map[rag.Hash][]float32, len(wanted[i]))
		for _, h := range wanted[i] {
			if v, ok := vectors[x.fingerprintOf(c)][h]; ok {
				batch[i].Vectors[h] = v
			}
		}
	}
	return batch, nil
}

// ours gives a collection the fingerprint that all of them have in this
// process. An old entry that names a former model would have the index drop
// vectors of the present one, which the published entries before it carried.
func (x *Indexer) ours(c rag.Change) rag.Change {
	if c.Settings != nil && !rag.GivenFingerprint(c.Settings.Fingerprint) {
		settings := *c.Settings
		settings.Fingerprint = x.fingerprint
		c.Settings = &settings
	}
	return c
}

// fingerprintOf is that of the vectors that an entry makes available.
func (x *Indexer) fingerprintOf(c rag.Change) string {
	if rag.GivenFingerprint(c.Fingerprint) {
		return c.Fingerprint
	}
	return x.fingerprint
}

func (x *Indexer) wanted(c rag.Change) []rag.Hash {
	switch {
	case c.Kind == rag.ChangePublished && !c.Superseded:
		hashes := make([]rag.Hash, len(c.Chunks))
		for i, ch := range c.Chunks {
			hashes[i] = ch.TextHash
		}
		return hashes
	case c.Kind == rag.ChangeVectors && c.Fingerprint == x.fingerprint && c.Seq > x.delivered:
		return c.TextHashes
	}
	return nil
}

// Lag compares the index with the head of the log.
func (x *Indexer) Lag(ctx context.Context) (Lag, error) {
	head, err := x.log.Head(ctx)
	if err != nil {
		return Lag{}, err
	}
	at := x.progress.at()
	return Lag{Seq: at, Changes: head - min(at, head)}, nil
}
