package ingest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/quarry-search/quarry/internal/policy"
	"github.com/quarry-search/quarry/internal/rag"
)

// minReaders is how many documents of one job are in work, at least: more than
// are parsed at once, so that commits are shared and reads overlap.
const minReaders = 8

// run is one job being worked off.
type run struct {
	*Jobs
	service *Service
	p       rag.Principal
	scope   rag.Scope
	src     Source
	items   chan entry
	id      string // of the job

	mu      sync.Mutex
	job     rag.Job
	present map[string]bool // uris that are there to be read
	kept    []string        // prefixes of uris that could not be looked into
}

// entry is one listed item.
type entry struct {
	item    string
	refusal error
}

func (j *Jobs) newRun(p rag.Principal, job rag.Job, src Source) *run {
	return &run{
		Jobs: j, service: j.deps.Service, p: p, scope: policy.Scope(p), src: src, id: job.ID, job: job,
		items: make(chan entry), present: map[string]bool{},
	}
}

// work carries out a job that lists its source.
func (j *Jobs) work(ctx context.Context, p rag.Principal, job rag.Job, src Source) (rag.Job, error) {
	r := j.newRun(p, job, src)
	list := func(ctx context.Context, a *acceptor) error { return src.List(ctx, a.found) }
	return r.carryOut(ctx, list, r.removeVanished)
}

// Item is one entry that a source reports as new or modified.
type Item struct {
	Item    string
	Refusal error // as in Source.List
}

// Update works off one job about what changed in a source since it was
// listed.
func (j *Jobs) Update(ctx context.Context, p rag.Principal, collection string, src Source, changed []Item, gone []string) (rag.Job, error) {
	job, err := j.create(ctx, p, collection, src)
	if err != nil {
		return rag.Job{}, err
	}
	r := j.newRun(p, job, src)
	list := func(ctx context.Context, a *acceptor) error {
		for _, c := range changed {
			if err := a.found(c.Item, c.Refusal); err != nil {
				return err
			}
		}
		return nil
	}
	return r.carryOut(ctx, list, func(ctx context.Context) error {
		for _, uri := range gone {
			if err := r.forget(ctx, uri); err != nil {
				return err
			}
		}
		return nil
	})
}

// carryOut lists and works off at the same time, then cleans up and closes the
// job. When ctx ends, or the catalog fails, the job stays as it is, to be
// resumed.
func (r *run) carryOut(ctx context.Context, list func(context.Context, *acceptor) error, after func(context.Context) error) (rag.Job, error) {
	ctx, done := r.Track(ctx, r.id)
	defer done()
	err := r.listAndWork(ctx, list)
	if err == nil {
		err = after(ctx)
	}
	state, message := rag.JobDone, ""
	var unlisted *listError
	switch {
	case errors.Is(context.Cause(ctx), errCanceledJob):
		state = rag.JobCanceled
	case errors.As(err, &unlisted):
		state, message = rag.JobFailed, "the folder could not be listed to its end"
	case err != nil:
		return r.job, err
	}
	// The cancellation that ended the work must not keep its record from being
	// written.
	ctx = context.WithoutCancel(ctx)
	if err := r.close(ctx, r.job, state, message); err != nil {
		return r.job, fmt.Errorf("end job: %w", err)
	}
	return r.catalog.Job(ctx, r.id)
}

// listError is what the source's listing failed with, as opposed to what the
// catalog did.
type listError struct{ err error }

func (e *listError) Error() string { return "list source: " + e.err.Error() }
func (e *listError) Unwrap() error { return e.err }

func (r *run) listAndWork(ctx context.Context, list func(context.Context, *acceptor) error) error {
	group, ctx := errgroup.WithContext(ctx)
	var unlisted error // what was found before it is worked off all the same
	group.Go(func() error {
		defer close(r.items)
		a, err := r.acceptor(ctx)
		if err != nil {
			return err
		}
		if err := list(ctx, a); err != nil && (a.err != nil || ctx.Err() != nil) {
			return err
		} else if err != nil {
			unlisted = &listError{err}
			return a.flush()
		}
		return a.finish()
	})
	for range max(minReaders, 2*r.service.opts.Workers) {
		group.Go(func() error {
			for e := range r.items {
				if err := r.workOff(ctx, e); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return unlisted
}

// update changes the stored job.
func (r *run) update(ctx context.Context, change func(*rag.Job)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.job)
	job, err := r.catalog.UpdateJob(ctx, r.job)
	if err != nil {
		return fmt.Errorf("update job: %w", err)
	}
	r.job = job
	return nil
}
