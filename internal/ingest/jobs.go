package ingest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/quarry-search/quarry/internal/rag"
)

// Source is a place that documents come from, such as a folder.
type Source interface {
	// Path names the source for people, and for opening it again.
	Path() string
	// Prefix begins the uri of every document of the source; Owns decides
	// about the uris that begin so.
	Prefix() string
	Owns(uri string) bool
	// List calls found for every item. A refusal (a *rag.Refusal) says that
	// the item is not to be read; such an item may stand for all whose uris
	// begin with it.
	List(ctx context.Context, found func(item string, refusal error) error) error
	// Read returns one document. Errors: *rag.Refusal; fs.ErrNotExist when the
	// item is gone.
	Read(ctx context.Context, item string) (rag.Incoming, error)
	Close() error
}

// Values of Job.Source: jobs that Jobs works off, and jobs of whoever sends the
// documents.
const (
	SourceFolder = "folder"
	SourceBatch  = "batch"
)

// errCanceledJob is the cause of the context of a job that was told to stop.
var errCanceledJob = errors.New("the job was canceled")

// JobDeps are the parts that Jobs works with.
type JobDeps struct {
	Service *Service
	// Open opens the source of a job's Path again, to resume it.
	Open func(path string) (Source, error)
}

// Jobs works off sources: each job lists its source, puts every document,
// removes those whose source is gone, and keeps the balance of all that. A
// process that dies in the middle leaves a running job, which is resumed.
type Jobs struct {
	deps    JobDeps
	catalog rag.Catalog
	starts  chan func(ctx context.Context)

	mu      sync.Mutex
	running map[string]context.CancelCauseFunc // by job id
}

// NewJobs returns Jobs that can run once Run does.
func NewJobs(deps JobDeps) *Jobs {
	return &Jobs{
		deps: deps, catalog: deps.Service.deps.Catalog,
		starts:  make(chan func(context.Context)),
		running: map[string]context.CancelCauseFunc{},
	}
}

// Run carries out the jobs that Start accepts, until ctx ends; then it waits
// for them to stop. What they did not finish is resumed at the next start.
func (j *Jobs) Run(ctx context.Context) error {
	var all sync.WaitGroup
	defer all.Wait()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case job := <-j.starts:
			all.Go(func() { job(ctx) })
		}
	}
}

// Start creates a job for src and lets Run work it off; it closes src in the
// end. The job is stored when Start returns.
func (j *Jobs) Start(ctx context.Context, p rag.Principal, collection string, src Source) (rag.Job, error) {
	job, err := j.create(ctx, p, collection, src)
	if err != nil {
		_ = src.Close() // nothing was read from it
		return rag.Job{}, err
	}
	return job, j.submit(ctx, p, job, src)
}

func (j *Jobs) submit(ctx context.Context, p rag.Principal, job rag.Job, src Source) error {
	run := func(ctx context.Context) {
		defer src.Close()
		// The job's state tells how it ended; a catalog that failed is told of
		// by its own errors, and the job is resumed.
		_, _ = j.work(ctx, p, job, src)
	}
	select {
	case j.starts <- run:
		return nil
	case <-ctx.Done():
		_ = src.Close() // the stored job opens it again when it is resumed
		return ctx.Err()
	}
}

// Sync brings the collection in line with src and returns the job that did it.
// A job for the same source and collection that was broken off is finished
// first; what it had done before may be out of date by now, so another one
// follows. begun is told of each.
func (j *Jobs) Sync(ctx context.Context, p rag.Principal, collection string, src Source, begun func(rag.Job)) (rag.Job, error) {
	unfinished, err := j.catalog.UnfinishedJobs(ctx)
	if err != nil {
		return rag.Job{}, err
	}
	for _, job := range unfinished {
		if job.Source == SourceFolder && job.Path == src.Path() && job.Collection == collection && !j.isRunning(job.ID) {
			begun(job)
			if job, err = j.work(ctx, p, job, src); err != nil {
				return job, err
			}
		}
	}
	job, err := j.create(ctx, p, collection, src)
	if err != nil {
		return rag.Job{}, err
	}
	begun(job)
	return j.work(ctx, p, job, src)
}

func (j *Jobs) create(ctx context.Context, p rag.Principal, collection string, src Source) (rag.Job, error) {
	if !p.Has(rag.RoleWriter) {
		return rag.Job{}, errNoWriter
	}
	return j.catalog.CreateJob(ctx, rag.Job{
		Collection: collection, Source: SourceFolder, Path: src.Path(), State: rag.JobRunning,
	})
}

// Resume goes on with every job that an earlier process left running, except
// those that keep says Sync will take up. Documents of a job without a source
// of its own were never acknowledged and cannot come again: it ends canceled.
func (j *Jobs) Resume(ctx context.Context, p rag.Principal, keep func(rag.Job) bool) error {
	unfinished, err := j.catalog.UnfinishedJobs(ctx)
	if err != nil {
		return fmt.Errorf("resume jobs: %w", err)
	}
	for _, job := range unfinished {
		if keep(job) || j.isRunning(job.ID) {
			continue
		}
		if job.Source != SourceFolder {
			if err := j.close(ctx, job, rag.JobCanceled, "the server stopped before every document had come"); err != nil {
				return fmt.Errorf("resume job %s: %w", job.ID, err)
			}
			continue
		}
		src, err := j.deps.Open(job.Path)
		if err != nil {
			if err := j.close(ctx, job, rag.JobFailed, "its folder can no longer be opened"); err != nil {
				return fmt.Errorf("resume job %s: %w", job.ID, err)
			}
			continue
		}
		if err := j.submit(ctx, p, job, src); err != nil {
			return err
		}
	}
	return nil
}

// StartBatch creates a job whose documents the caller puts, and which the
// caller ends.
func (j *Jobs) StartBatch(ctx context.Context, p rag.Principal, collection string) (rag.Job, error) {
	if !p.Has(rag.RoleWriter) {
		return rag.Job{}, errNoWriter
	}
	return j.catalog.CreateJob(ctx, rag.Job{Collection: collection, Source: SourceBatch, State: rag.JobRunning})
}

var errNoWriter = &rag.Error{Code: rag.CodeForbidden, Message: "starting a job needs the writer role"}

// Track lets Cancel stop a job that the caller works off itself. The returned
// context ends when the job is canceled; call done when the job has ended.
func (j *Jobs) Track(ctx context.Context, id string) (tracked context.Context, done func()) {
	tracked, cancel := context.WithCancelCause(ctx)
	j.mu.Lock()
	j.running[id] = cancel
	j.mu.Unlock()
	return tracked, func() {
		cancel(nil)
		j.mu.Lock()
		delete(j.running, id)
		j.mu.Unlock()
	}
}

func (j *Jobs) isRunning(id string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.running[id] != nil
}

// Cancel asks a running job to stop and returns it as it is now. Documents in
// work are finished; the rest end as skipped(canceled) soon after. Canceling
// a job that has ended changes nothing.
func (j *Jobs) Cancel(ctx context.Context, id string) (rag.Job, error) {
	job, err := j.catalog.Job(ctx, id)
	if err != nil || job.State != rag.JobRunning {
		return job, err
	}
	j.mu.Lock()
	cancel := j.running[id]
	j.mu.Unlock()
	if cancel != nil {
		cancel(errCanceledJob)
		return job, nil
	}
	if err := j.close(ctx, job, rag.JobCanceled, ""); err != nil {
		return rag.Job{}, err
	}
	return j.catalog.Job(ctx, id)
}

// close ends a job in state: what is still queued becomes skipped(canceled).
func (j *Jobs) close(ctx context.Context, job rag.Job, state rag.JobState, message string) error {
	err := j.eachQueued(ctx, job.ID, func(item string) error {
		return j.catalog.FinishJobItem(ctx, job.ID, rag.JobItem{
			Item: item, Result: rag.Skipped, Reason: rag.ReasonCanceled,
		}, 0)
	})
	if err != nil {
		return err
	}
	job.State, job.Error, job.Listed = state, message, true
	job, err = j.catalog.UpdateJob(ctx, job)
	if err == nil {
		j.deps.Service.deps.Events.job(job)
	}
	return err
}

// itemPage is how many items of a job are read at a time.
const itemPage = 500

// eachQueued calls f for every item that has no result yet.
func (j *Jobs) eachQueued(ctx context.Context, job string, f func(item string) error) error {
	after := int64(0)
	for {
		items, next, err := j.catalog.JobItems(ctx, job, rag.JobItemList{Result: rag.Queued, After: after, Limit: itemPage})
		if err != nil {
			return fmt.Errorf("list queued items: %w", err)
		}
		for _, it := range items {
			if err := f(it.Item); err != nil {
				return err
			}
		}
		if next == 0 {
			return nil
		}
		after = next
	}
}
