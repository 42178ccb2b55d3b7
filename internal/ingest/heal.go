package ingest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/quarry-search/quarry/internal/rag"
)

// Healing is an index that can lose a damaged part, and take documents back.
type Healing interface {
	// Lost names the collections that lack documents, with a number for Healed.
	Lost() map[string]uint64
	Missing(collection string, ids []string) ([]string, error)
	Restore(ctx context.Context, documents []rag.IndexChange) error
	Healed(collection string, n uint64)
}

// Documents is where the present documents of a collection are read from.
type Documents interface {
	// Page returns up to limit documents, by id, after an id. CodeNotFound for
	// no such collection.
	Page(ctx context.Context, collection, after string, limit int) ([]rag.Document, error)
	// Chunks returns the chunks of the document's version. CodeNotFound when it
	// is gone.
	Chunks(ctx context.Context, d rag.Document) ([]rag.Chunk, error)
}

const (
	healDocuments = 256     // looked at in one step
	healText      = 4 << 20 // bytes of text that are put back at once
	// healInterval is how long damage may wait to be looked at, and an error of
	// healing to be tried again.
	healInterval = 5 * time.Second
)

// healing is how far an Indexer has come with putting documents back.
type healing struct {
	index      Healing
	documents  Documents
	collection string
	loss       uint64
	after      string // id of the last document looked at
}

// Heal has the indexer put back what its index loses to damage, between the
// entries of the log. Call it before Run.
func (x *Indexer) Heal(index Healing, documents Documents) {
	x.healing = &healing{index: index, documents: documents}
}

// HealNow puts back everything that the index lacks. Run must not run.
func (x *Indexer) HealNow(ctx context.Context) error {
	for {
		more, err := x.healStep(ctx)
		if err != nil || !more {
			return err
		}
	}
}

// healStep looks at some documents of a collection that lacks any, and reports
// whether there was such.
//
// The catalog may be ahead of the index. That does no harm: the entries that
// made a document so follow, and end in the same state.
func (x *Indexer) healStep(ctx context.Context) (worked bool, err error) {
	h := x.healing
	if h == nil || x.halt.on() { // what is put back may be newer than where it halts
		return false, nil
	}
	lost := h.index.Lost()
	if len(lost) == 0 {
		return false, nil
	}
	if n := lost[h.collection]; n == 0 || n != h.loss {
		h.collection = slices.Min(slices.Collect(maps.Keys(lost)))
		h.loss, h.after = lost[h.collection], ""
	}
	page, err := h.documents.Page(ctx, h.collection, h.after, healDocuments)
	if err != nil && rag.CodeOf(err) != rag.CodeNotFound {
		return true, fmt.Errorf("heal collection %q: %w", h.collection, err)
	}
	if len(page) == 0 {
		h.index.Healed(h.collection, h.loss)
		return true, nil
	}
	if err := x.restore(ctx, page); err != nil {
		return true, fmt.Errorf("heal collection %q: %w", h.collection, err)
	}
	h.after = page[len(page)-1].ID
	return true, nil
}

// restore puts back those of the documents that the index lacks.
func (x *Indexer) restore(ctx context.Context, page []rag.Document) error {
	h := x.healing
	ids := make([]string, len(page))
	for i, d := range page {
		ids[i] = d.ID
	}
	missing, err := h.index.Missing(h.collection, ids)
	if err != nil {
		return err
	}
	var batch []rag.Change
	size := 0
	for _, d := range page {
		if !slices.Contains(missing, d.ID) {
			continue
		}
		chunks, err := h.documents.Chunks(ctx, d)
		if rag.CodeOf(err) == rag.CodeNotFound {
			continue // gone meanwhile
		}
		if err != nil {
			return err
		}
		for _, c := range chunks {
			size += len(c.Text)
		}
		batch = append(batch, rag.Change{Kind: rag.ChangePublished, Collection: h.collection, Document: &d, Chunks: chunks})
		if size < healText {
			continue
		}
		if err := x.restoreBatch(ctx, batch); err != nil {
			return err
		}
		batch, size = nil, 0
	}
	return x.restoreBatch(ctx, batch)
}

func (x *Indexer) restoreBatch(ctx context.Context, batch []rag.Change) error {
	if len(batch) == 0 {
		return nil
	}
	documents, err := x.withVectors(ctx, batch)
	if err != nil {
		return err
	}
	return x.healing.index.Restore(ctx, documents)
}

// idle heals where the log has nothing new, or waits for it.
func (x *Indexer) idle(ctx context.Context, after uint64) error {
	if x.healing == nil {
		_, err := x.log.WaitHead(ctx, after)
		return err
	}
	worked, err := x.healStep(ctx)
	if err != nil {
		x.events.follower(IndexerName, Transient, err)
	} else if worked {
		return nil
	}
	waiting, cancel := context.WithTimeout(ctx, healInterval)
	defer cancel()
	if _, err := x.log.WaitHead(waiting, after); waiting.Err() == nil {
		return err
	}
	return ctx.Err()
}
