package app

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/quarry-search/quarry/internal/connect/folder"
	"github.com/quarry-search/quarry/internal/ingest"
	"github.com/quarry-search/quarry/internal/rag"
)

// Folder is a folder to ingest, and the collection it goes into.
type Folder struct {
	Path       string
	Collection string
}

// watched is one folder of a running process.
type watched struct {
	Folder
	source *folder.Folder

	mu    sync.Mutex
	job   rag.Job // the first one: the whole folder
	ended bool
}

func (a *App) openFolders() error {
	for _, f := range a.opts.Folders {
		source, err := a.openFolder(f.Path, "")
		if err != nil {
			return err
		}
		a.folders = append(a.folders, &watched{Folder: f, source: source})
	}
	return nil
}

func (a *App) openFolder(path, base string) (*folder.Folder, error) {
	return folder.Open(path, folder.Options{
		MaxBytes: int64(a.config.MaxDocumentBytes),
		Base:     base,
		Exclude:  []string{a.config.Data},
		Rescan:   a.config.RescanInterval,
		Unwatched: func(err error) {
			a.log.Warn("no file watches left: the folder is walked at intervals", "event", "watch", "error", err)
		},
	})
}

// openSource opens the folder of a stored job, which may lie inside one of this
// process: its documents are then described alike.
func (a *App) openSource(path string) (ingest.Source, error) {
	base, _ := a.folderAround(path)
	f, err := a.openFolder(path, base)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// retryFolder is the pause after a folder's job could not go on.
const retryFolder = 10 * time.Second

// follow ingests a folder and then what changes in it, until ctx ends. A
// failure of the catalog is said and tried again: the rest of the process goes
// on serving.
func (a *App) follow(ctx context.Context, w *watched) error {
	for {
		err := a.followOnce(ctx, w)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		a.log.Error("the folder cannot be ingested now", "event", "folder", "code", rag.CodeOf(err), "error", err)
		select {
		case <-time.After(retryFolder):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (a *App) followOnce(ctx context.Context, w *watched) error {
	if err := a.ensureCollection(ctx, w.Collection); err != nil {
		return err
	}
	job, err := a.jobs.Sync(ctx, a.principal, w.Collection, w.source, w.begun)
	if err != nil {
		return err
	}
	w.end(job)
	return w.source.Watch(ctx, func(c folder.Changes) error {
		changed := make([]ingest.Item, len(c.Changed))
		for i, e := range c.Changed {
			changed[i] = ingest.Item(e)
		}
		_, err := a.jobs.Update(ctx, a.principal, w.Collection, w.source, changed, c.Gone)
		return err
	})
}

func (w *watched) begun(job rag.Job) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended {
		w.job = job
	}
}

func (w *watched) end(job rag.Job) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended {
		w.job, w.ended = job, true
	}
}

func (w *watched) first() (job rag.Job, ended bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.job, w.ended
}

func (a *App) ensureCollection(ctx context.Context, name string) error {
	_, err := a.catalog.Collection(ctx, system("folders are ingested into named collections"), name)
	if rag.CodeOf(err) != rag.CodeNotFound {
		return err
	}
	_, err = a.catalog.CreateCollection(ctx, rag.Collection{Name: name, Fingerprint: a.embedder.Fingerprint()})
	if rag.CodeOf(err) == rag.CodeConflict {
		return nil
	}
	return err
}

// resume goes on with the jobs of an earlier process, but for those that the
// folders of this one take up themselves. Where the catalog cannot be written it
// says so and tries again.
func (a *App) resume(ctx context.Context) error {
	for {
		err := a.resumeOnce(ctx)
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		a.log.Error("jobs cannot be resumed now", "event", "resume", "code", rag.CodeOf(err), "error", err)
		select {
		case <-time.After(retryFolder):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (a *App) resumeOnce(ctx context.Context) error {
	return a.jobs.Resume(ctx, a.principal, func(j rag.Job) bool {
		for _, w := range a.folders {
			if j.Source == ingest.SourceFolder && j.Path == w.source.Path() && j.Collection == w.Collection {
				return true
			}
		}
		return false
	})
}

// runner starts and cancels jobs for the API.
type runner struct{ *App }

// StartFolderJob ingests a folder of this process, or one inside it.
//
// SECURITY: no other path is read, so that whoever reaches the API cannot have
// the server read the rest of the disk.
func (r runner) StartFolderJob(ctx context.Context, p rag.Principal, collection, path string) (rag.Job, error) {
	base, ok := r.folderAround(path)
	if !ok {
		return rag.Job{}, &rag.Error{Code: rag.CodeForbidden, Field: "/path",
			Message: "the server reads only folders that it was started with: quarry up FOLDER"}
	}
	if _, err := r.catalog.Collection(ctx, system("a job needs its collection"), collection); err != nil {
		return rag.Job{}, err
	}
	source, err := r.openFolder(path, base)
	if err != nil {
		return rag.Job{}, &rag.Error{Code: rag.CodeInvalid, Field: "/path", Message: "the folder cannot be opened", Err: err}
	}
	return r.jobs.Start(ctx, p, collection, source)
}

// folderAround returns the folder of this process that path lies in.
func (a *App) folderAround(path string) (base string, ok bool) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", false
	}
	if resolved, err := filepath.EvalSymlinks(abs); err == nil {
		abs = resolved
	}
	for _, w := range a.folders {
		if rel, err := filepath.Rel(w.source.Path(), abs); err == nil && filepath.IsLocal(rel) {
			return w.source.Path(), true
		}
	}
	return "", false
}

// StartBatch creates a job that the API feeds.
func (r runner) StartBatch(ctx context.Context, p rag.Principal, collection string) (rag.Job, error) {
	return r.jobs.StartBatch(ctx, p, collection)
}

// CancelJob stops a job.
func (r runner) CancelJob(ctx context.Context, id string) error {
	_, err := r.jobs.Cancel(ctx, id)
	return err
}

// Progress is how far the folders of this process have come.
type Progress struct {
	Folders  []rag.Job // the first job of each folder, as it is now
	Ended    bool      // all of them
	Chunks   int64     // of their collections
	Embedded int64
}

// Progress tells how far the process has come with the folders that it was
// started with.
func (a *App) Progress(ctx context.Context) (Progress, error) {
	p := Progress{Ended: true}
	counted := map[string]bool{}
	for _, w := range a.folders {
		job, ended := w.first()
		p.Ended = p.Ended && ended
		if !ended && job.ID != "" {
			now, err := a.catalog.Job(ctx, job.ID)
			if err != nil {
				return p, fmt.Errorf("read job: %w", err)
			}
			job = now
		}
		p.Folders = append(p.Folders, job)
		if counted[w.Collection] {
			continue
		}
		counted[w.Collection] = true
		counts, err := a.catalog.CountCollection(ctx, system("progress of the process's own folders"), w.Collection)
		if err != nil && rag.CodeOf(err) != rag.CodeNotFound {
			return p, fmt.Errorf("count collection: %w", err)
		}
		p.Chunks += counts.Chunks
		p.Embedded += counts.Embedded
	}
	return p, nil
}
