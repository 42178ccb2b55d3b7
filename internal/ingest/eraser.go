package ingest

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/quarry-search/quarry/internal/rag"
)

// EraserName is the eraser's name in events and cursors.
const EraserName = "eraser"

// eraserStride is how much of the log is read again at a start at most, when
// nothing was erased.
const eraserStride = 10_000

// Scrubbing is an index whose files can be rid of what was erased.
type Scrubbing interface {
	Applied() uint64
	Scrub(ctx context.Context, collection string, ids []string) error
}

// Erasing is what the eraser needs of the catalog.
type Erasing interface {
	rag.Log
	rag.Erasures
}

// Eraser follows the log for erasures and carries each to its end: when the
// index has applied it, the files of the index and then those of the catalog
// are rewritten without what was erased. It keeps a cursor, so that one that a
// stop interrupted is carried on at the next start.
type Eraser struct {
	catalog  Erasing
	index    Scrubbing
	applied  *progress // of the indexer
	events   Events
	progress *progress
}

// NewEraser returns an Eraser of what an indexer applies to an index.
func NewEraser(catalog Erasing, index Scrubbing, indexer *Indexer, events Events) *Eraser {
	return &Eraser{catalog: catalog, index: index, applied: indexer.progress, events: events, progress: newProgress(0)}
}

// Read is the seq up to which nothing erased is in any file.
func (e *Eraser) Read() uint64 { return e.progress.at() }

// Run erases until ctx ends. What fails, as on a full disk, is tried again.
func (e *Eraser) Run(ctx context.Context) error {
	after, err := e.catalog.Cursor(ctx, EraserName)
	if err != nil {
		return fmt.Errorf("start eraser: %w", err)
	}
	var pause backoff
	for {
		next, err := e.step(ctx, after)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			after, pause = next, backoff{}
			_, _ = e.catalog.WaitHead(ctx, after) // its error is that of the next step
		default:
			e.events.follower(EraserName, Transient, err)
			if err := pause.pause(ctx); err != nil {
				return err
			}
		}
	}
}

// step carries out what the log holds after a seq, and returns how far it read.
func (e *Eraser) step(ctx context.Context, after uint64) (uint64, error) {
	head, err := e.catalog.Head(ctx)
	if err != nil {
		return after, err
	}
	list, err := e.catalog.Erasures(ctx, after)
	if err != nil {
		return after, err
	}
	if len(list) > 0 {
		head = max(head, list[len(list)-1].Seq)
		if err := e.erase(ctx, list); err != nil {
			return after, err
		}
	}
	if len(list) > 0 || head > after+eraserStride {
		if err := e.catalog.SetCursor(ctx, EraserName, head); err != nil {
			return after, err
		}
	}
	e.progress.advance(head)
	return head, nil
}

// erase rids the files of everything that was erased.
func (e *Eraser) erase(ctx context.Context, list []rag.Erased) error {
	if err := e.applied.wait(ctx, list[len(list)-1].Seq); err != nil {
		return err
	}
	return Scrub(ctx, e.catalog, e.index, list)
}

// Scrub rids the files of an index that has applied these erasures, and of the
// catalog, of what was erased.
func Scrub(ctx context.Context, catalog rag.Erasures, index Scrubbing, list []rag.Erased) error {
	documents := map[string][]string{}
	for _, d := range list {
		if !slices.Contains(documents[d.Collection], d.DocumentID) {
			documents[d.Collection] = append(documents[d.Collection], d.DocumentID)
		}
	}
	for _, collection := range slices.Sorted(maps.Keys(documents)) {
		if err := index.Scrub(ctx, collection, documents[collection]); err != nil {
			return fmt.Errorf("erase from the index: %w", err)
		}
	}
	if err := catalog.Scrub(ctx); err != nil {
		return fmt.Errorf("erase from the catalog: %w", err)
	}
	return nil
}

// Erase erases versions of a document, as rag.Erasures says, and waits until no
// file holds them. With an error of ctx they are gone for every reader, and
// their removal from the files goes on.
func (e *Eraser) Erase(ctx context.Context, s rag.Scope, id string, whole bool, ifSeq uint64) (rag.Erased, error) {
	out, err := e.catalog.EraseVersions(ctx, s, id, whole, ifSeq)
	if err != nil || out.Versions == 0 {
		return out, err
	}
	return out, e.progress.wait(ctx, out.Seq)
}
