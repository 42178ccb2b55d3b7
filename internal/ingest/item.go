package ingest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"time"

	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

// retries is how often a write is tried again that the catalog cannot do now,
// with growing pauses: a full disk may be cleared.
const (
	retries    = 6
	retryPause = 100 * time.Millisecond
)

// workOff brings one item to its result. An error means that the job cannot go
// on now; what a document did wrong is its result.
func (r *run) workOff(ctx context.Context, e entry) error {
	pause := retryPause
	for try := 0; ; try++ {
		err := r.once(ctx, e)
		if rag.CodeOf(err) != rag.CodeUnavailable || try == retries {
			return err
		}
		select {
		case <-time.After(pause):
			pause *= 2
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (r *run) once(ctx context.Context, e entry) error {
	if e.refusal != nil {
		return r.refused(ctx, e.item, e.refusal)
	}
	in, err := r.src.Read(ctx, e.item)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r.refused(ctx, e.item, rag.Skip(rag.ReasonUnreadable, "it is gone"))
	case err != nil:
		return r.refused(ctx, e.item, err)
	}
	in.Collection, in.Job, in.Item = r.collection(), r.id, e.item
	if done, err := r.unchanged(ctx, in); done || err != nil {
		return err
	}
	out, err := r.service.Put(ctx, r.p, in)
	if err == nil && out.Result == rag.Skipped {
		return r.forget(ctx, e.item)
	}
	if err == nil {
		return nil
	}
	// A fault of this document is its result, everything else is the job's.
	switch rag.CodeOf(err) {
	case rag.CodeInvalid, rag.CodeConflict, rag.CodePrecondition:
		return r.refused(ctx, e.item, rag.Fail(rag.ReasonInvalid, message(err)))
	}
	return err
}

func (r *run) collection() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.job.Collection
}

func message(err error) string {
	var e *rag.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return ""
}

// unchanged spares a document that is stored as it stands the parsing. The
// title is not looked at: sources of jobs leave it to the parser.
func (r *run) unchanged(ctx context.Context, in rag.Incoming) (bool, error) {
	d, err := r.catalog.Document(ctx, r.scope, rag.DocumentID(in.Collection, in.URI), 0)
	if rag.CodeOf(err) == rag.CodeNotFound {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for former version: %w", err)
	}
	v := d.Version
	if v.SourceHash != rag.HashBytes(in.Data) || !maps.EqualFunc(v.Attributes, in.Attributes, filter.Value.Equal) {
		return false, nil
	}
	item := rag.JobItem{Item: in.Item, Result: rag.Unchanged, DocumentID: d.ID, Version: v.Number, Seq: d.Seq}
	if err := r.catalog.FinishJobItem(ctx, r.id, item, int64(len(in.Data))); err != nil {
		return false, fmt.Errorf("record unchanged document: %w", err)
	}
	r.service.deps.Events.document(DocumentEvent{
		Job: r.id, Kind: v.Kind, Result: rag.Unchanged, Chunks: v.Chunks, SizeBytes: v.SizeBytes,
	})
	return true, nil
}

// refused records why an item is not read. What is skipped is no longer a
// document, so a former version goes; what failed may come back, so it stays.
func (r *run) refused(ctx context.Context, item string, err error) error {
	var refusal *rag.Refusal
	if !errors.As(err, &refusal) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		refusal = &rag.Refusal{Result: rag.Failed, Reason: rag.ReasonUnreadable}
	}
	record := rag.JobItem{Item: item, Result: refusal.Result, Reason: refusal.Reason, Detail: refusal.Detail}
	if err := r.catalog.FinishJobItem(ctx, r.id, record, 0); err != nil {
		return fmt.Errorf("record refusal: %w", err)
	}
	r.service.deps.Events.document(DocumentEvent{Job: r.id, Result: refusal.Result, Reason: refusal.Reason})
	if refusal.Result == rag.Skipped && !strings.HasSuffix(item, "/") {
		return r.forget(ctx, item)
	}
	return nil
}

// forget deletes the document of a uri, if there is one.
func (r *run) forget(ctx context.Context, uri string) error {
	_, err := r.catalog.DeleteDocument(ctx, r.scope, rag.DocumentID(r.collection(), uri), 0)
	if rag.CodeOf(err) == rag.CodeNotFound {
		return nil
	}
	if err != nil {
		return fmt.Errorf("delete document: %w", err)
	}
	return r.update(ctx, func(j *rag.Job) { j.Counts.Deleted++ })
}

// removeVanished deletes the documents of the source that it no longer lists.
func (r *run) removeVanished(ctx context.Context) error {
	list := rag.DocumentList{Collection: r.collection(), URIPrefix: r.src.Prefix(), Limit: itemPage}
	for {
		docs, err := r.catalog.ListDocuments(ctx, r.scope, list)
		if err != nil {
			return fmt.Errorf("list documents of source: %w", err)
		}
		for _, d := range docs {
			if !r.src.Owns(d.URI) || r.keeps(d.URI) || d.ID != rag.DocumentID(d.Collection, d.URI) {
				continue // the last: put by a caller under an id of its own
			}
			if err := r.forget(ctx, d.URI); err != nil {
				return err
			}
		}
		if len(docs) < list.Limit {
			return nil
		}
		list.After = docs[len(docs)-1].ID
	}
}

// keeps reports whether the listing showed uri, or could not tell.
func (r *run) keeps(uri string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.present[uri] {
		return true
	}
	for _, prefix := range r.kept {
		if strings.HasPrefix(uri, prefix) {
			return true
		}
	}
	return false
}
