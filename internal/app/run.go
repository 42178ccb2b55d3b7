package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/quarry-search/quarry/internal/rag"
)

// Run serves until ctx ends, then stops in order: readiness fails, requests in
// flight get ShutdownTimeout, followers and jobs stop where they are. It
// returns nil after such a stop, and otherwise what failed.
func (a *App) Run(ctx context.Context) error {
	// Work outlives the signal to stop: requests in flight may wait for it.
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	group, work := errgroup.WithContext(work)
	group.Go(func() error { return part("index", a.indexer.Run(work)) })
	group.Go(func() error { return a.runIndex(work) })
	group.Go(func() error { return part("retention", a.forget(work)) })
	group.Go(func() error { return part("embedder", a.follower.Run(work)) })
	group.Go(func() error { return part("eraser", a.eraser.Run(work)) })
	group.Go(func() error { return part("maintenance", a.maintain.run(work)) })
	group.Go(func() error { return part("jobs", a.jobs.Run(work)) })
	group.Go(func() error { return part("gauges", a.gauges.run(work)) })
	group.Go(func() error { return part("resume jobs", a.resume(work)) })
	for _, w := range a.folders {
		group.Go(func() error { return part("folder", a.follow(work, w)) })
	}
	group.Go(func() error {
		if err := a.server.Serve(a.listener); !errors.Is(err, http.ErrServerClosed) {
			return part("serve", err)
		}
		return nil
	})
	group.Go(func() error {
		select {
		case <-ctx.Done():
		case <-work.Done(): // a part failed
		}
		err := a.drain()
		stopWork()
		return err
	})
	a.log.Info("serving", "event", "start", "address", a.URL())
	err := group.Wait()
	a.log.Info("stopped", "event", "stop")
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// part names what ended. A context that ended is how every part is stopped.
func part(name string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// drain lets requests end, and cuts off those that take too long.
func (a *App) drain() error {
	a.draining.Store(true)
	a.log.Info("stopping", "event", "drain")
	ctx, cancel := context.WithTimeout(context.Background(), a.config.ShutdownTimeout)
	defer cancel()
	err := a.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = a.server.Close()
	}
	if err != nil {
		return fmt.Errorf("stop serving: %w", err)
	}
	return nil
}

// refingerprint moves every collection to the model of this process. Vectors
// of another model stay stored but are not searched; the embedder reads the
// log from its start and computes what is missing.
func (a *App) refingerprint(ctx context.Context) error {
	collections, err := a.catalog.ListCollections(ctx, system("collections follow the model of the process"))
	if err != nil {
		return fmt.Errorf("list collections: %w", err)
	}
	for _, c := range collections {
		if c.Fingerprint == a.embedder.Fingerprint() || rag.GivenFingerprint(c.Fingerprint) {
			continue
		}
		// The cursor first: stopped in between, this is done again.
		if err := a.catalog.SetCursor(ctx, embedderCursor, 0); err != nil {
			return fmt.Errorf("reset embedder: %w", err)
		}
		a.log.Info("embedding again with another model", "event", "model_changed", "fingerprint", a.embedder.Fingerprint())
		c.Fingerprint = a.embedder.Fingerprint()
		if _, err := a.catalog.AlterCollection(ctx, c, 0); err != nil {
			return fmt.Errorf("alter collection: %w", err)
		}
	}
	return nil
}

// system is the scope of the process itself.
func system(reason string) rag.Scope { return rag.SystemScope(reason) }
