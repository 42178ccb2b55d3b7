package ingest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/quarry-search/quarry/internal/rag"
)

// Items are accepted in transactions of growing size: the first soon, so that
// work begins and progress shows.
const (
	firstAccept = 16
	nextAccept  = 256
)

// acceptor takes what a source lists into the job's balance, and hands it to
// the workers once it is stored there.
type acceptor struct {
	*run
	ctx      context.Context
	finished map[string]bool // of a resumed job: items that have a result
	leftover map[string]bool // of a resumed job: queued items that were not listed yet this time
	pending  []entry
	limit    int
	err      error // of the catalog: List stops with it, but it is not List's
}

// acceptor reads what a former process did of the job.
func (r *run) acceptor(ctx context.Context) (*acceptor, error) {
	a := &acceptor{run: r, ctx: ctx, finished: map[string]bool{}, leftover: map[string]bool{}, limit: firstAccept}
	if r.job.Counts.Accepted == 0 {
		return a, nil
	}
	for after := int64(0); ; {
		items, next, err := r.catalog.JobItems(ctx, r.id, rag.JobItemList{After: after, Limit: itemPage})
		if err != nil {
			return nil, fmt.Errorf("list finished items: %w", err)
		}
		for _, it := range items {
			if it.Result == rag.Queued {
				a.leftover[it.Item] = true
			} else {
				a.finished[it.Item] = true
			}
		}
		if next == 0 {
			return a, nil
		}
		after = next
	}
}

// found takes one listed item.
func (a *acceptor) found(item string, refusal error) error {
	a.notePresence(item, refusal)
	if a.finished[item] {
		return nil
	}
	delete(a.leftover, item)
	a.pending = append(a.pending, entry{item, refusal})
	if len(a.pending) < a.limit {
		return nil
	}
	a.limit = nextAccept
	return a.flush()
}

// notePresence decides which documents an item's presence keeps: its own
// unless it is skipped, and when it could not be looked into all below it.
func (a *acceptor) notePresence(item string, refusal error) {
	var r *rag.Refusal
	failed := errors.As(refusal, &r) && r.Result == rag.Failed
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case failed && strings.HasSuffix(item, "/"):
		a.kept = append(a.kept, item)
	case refusal == nil || failed:
		a.present[item] = true
	}
}

func (a *acceptor) flush() error {
	if len(a.pending) == 0 {
		return nil
	}
	names := make([]string, len(a.pending))
	for i, e := range a.pending {
		names[i] = e.item
	}
	if err := a.catalog.AddJobItems(a.ctx, a.id, names); err != nil {
		a.err = fmt.Errorf("accept items: %w", err)
		return a.err
	}
	for _, e := range a.pending {
		select {
		case a.items <- e:
		case <-a.ctx.Done():
			return a.ctx.Err()
		}
	}
	a.pending = a.pending[:0]
	return nil
}

// finish flushes and, for a resumed job, hands over what was accepted before
// and is not listed any more: reading it will tell why.
func (a *acceptor) finish() error {
	for item := range a.leftover {
		a.pending = append(a.pending, entry{item: item})
	}
	if err := a.flush(); err != nil {
		return err
	}
	return a.update(a.ctx, func(j *rag.Job) { j.Listed = true })
}
