package app

import (
	"context"
	"time"

	"github.com/quarry-search/quarry/internal/rag"
)

const (
	// retentionLook is how often settings are looked at.
	retentionLook = time.Minute
	// What is past its retention by a tenth of it is dropped, within these
	// bounds.
	retentionShare  = 10
	retentionSoon   = time.Second
	retentionLatest = time.Hour
)

// retained is when a collection was last looked through, and by what retention.
type retained struct {
	retention time.Duration
	at        time.Time
}

// forget drops former versions past their collection's retention from the
// index, now and then, until ctx ends.
func (a *App) forget(ctx context.Context) error {
	last := map[string]retained{}
	for {
		next, err := a.forgetOnce(ctx, last)
		if err != nil && ctx.Err() == nil {
			a.log.Warn("former versions past their retention stay searchable for now", "event", "retention", "error", err)
		}
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}

// forgetOnce looks through the collections that are due, and returns how long
// none will be.
func (a *App) forgetOnce(ctx context.Context, last map[string]retained) (next time.Duration, err error) {
	next = retentionLook
	collections, err := a.catalog.ListCollections(ctx, system("retention is a setting of collections"))
	if err != nil {
		return next, err
	}
	now := time.Now()
	seqs := map[time.Duration]uint64{}
	for _, c := range collections {
		r := a.retentionOf(c)
		if r == 0 {
			continue // the index keeps none
		}
		every := min(retentionLatest, max(retentionSoon, r/retentionShare))
		if was := last[c.Name]; was.retention == r && now.Sub(was.at) < every {
			next = min(next, every-now.Sub(was.at))
			continue
		}
		seq, known := seqs[r]
		if !known {
			if seq, err = a.catalog.SeqAt(ctx, now.Add(-r)); err != nil {
				return next, err
			}
			seqs[r] = seq
		}
		if err := a.index.ForgetIn(c.Name, seq); err != nil {
			return next, err
		}
		last[c.Name] = retained{r, now}
		next = min(next, every)
	}
	return max(next, retentionSoon/4), nil
}

// retentionOf is the retention that holds for a collection.
func (a *App) retentionOf(c rag.Collection) time.Duration {
	if c.Settings.Retention != nil {
		return time.Duration(*c.Settings.Retention)
	}
	return a.config.Retention
}
