package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/internal/rag"
)

func (b *bench) jobs(src Source) *Jobs {
	return NewJobs(JobDeps{Service: b.service, Open: func(path string) (Source, error) {
		if src == nil || path != src.Path() {
			return nil, errors.New("no such source")
		}
		return src, nil
	}})
}

// stored lists the uris of the collection.
func (b *bench) stored() string {
	b.Helper()
	docs, err := b.catalog.ListDocuments(b.Context(), all, rag.DocumentList{Collection: "docs", Limit: 1000})
	if err != nil {
		b.Fatal(err)
	}
	var uris []string
	for _, d := range docs {
		uris = append(uris, d.URI)
	}
	slices.Sort(uris)
	return strings.Join(uris, " ")
}

func (b *bench) items(job string) map[string]string {
	b.Helper()
	list, _, err := b.catalog.JobItems(b.Context(), job, rag.JobItemList{Limit: 1000})
	if err != nil {
		b.Fatal(err)
	}
	out := map[string]string{}
	for _, it := range list {
		out[it.Item] = strings.TrimSpace(string(it.Result) + " " + string(it.Reason))
	}
	return out
}

func TestSync(t *testing.T) {
	b := newBench(t)
	b.put("other:x", "not of the source")
	src := &memory{files: map[string]string{"mem:a": "a", "mem:b": "b", "mem:sub/c": "c", "mem:empty": " "},
		refusals: map[string]error{"mem:hidden": rag.Skip(rag.ReasonPolicy, "hidden")}}
	j := b.jobs(src)
	sync := func(want map[string]string, deleted int64) {
		t.Helper()
		job, err := j.Sync(t.Context(), writer, "docs", src, func(rag.Job) {})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, b.items(job.ID)); diff != "" {
			t.Error(diff)
		}
		if job.State != rag.JobDone || !job.Listed || !job.Counts.Balanced() || job.Counts.Queued != 0 || job.Counts.Deleted != deleted {
			t.Errorf("job %+v", job)
		}
	}
	sync(map[string]string{"mem:a": "indexed", "mem:b": "indexed", "mem:sub/c": "indexed", "mem:empty": "skipped empty", "mem:hidden": "skipped policy"}, 0)
	sync(map[string]string{"mem:a": "unchanged", "mem:b": "unchanged", "mem:sub/c": "unchanged", "mem:empty": "skipped empty", "mem:hidden": "skipped policy"}, 0)

	// Gone: deleted. Emptied: deleted. Folder not readable: what was in it stays.
	src.files = map[string]string{"mem:a": " "}
	src.refusals = map[string]error{"mem:sub/": rag.Fail(rag.ReasonUnreadable, "")}
	sync(map[string]string{"mem:a": "skipped empty", "mem:sub/": "failed unreadable"}, 2)
	if got := b.stored(); got != "mem:sub/c other:x" {
		t.Errorf("stored: %s", got)
	}
	src.refusals = nil
	sync(map[string]string{"mem:a": "skipped empty"}, 1)
}

func TestListingFails(t *testing.T) {
	b := newBench(t)
	b.put("mem:old", "old")
	src := &memory{files: map[string]string{"mem:a": "a"}, listErr: errors.New("the disk went away")}
	job, err := b.jobs(src).Sync(t.Context(), writer, "docs", src, func(rag.Job) {})
	if err != nil || job.State != rag.JobFailed || job.Error == "" || strings.Contains(job.Error, "disk") || !job.Counts.Balanced() {
		t.Errorf("job %+v, %v", job, err)
	}
	if got := b.stored(); got != "mem:a mem:old" {
		t.Errorf("stored: %s", got)
	}
}

func TestUpdate(t *testing.T) {
	b := newBench(t)
	src := &memory{files: map[string]string{"mem:a": "a", "mem:b": "b"}}
	j := b.jobs(src)
	if _, err := j.Sync(t.Context(), writer, "docs", src, func(rag.Job) {}); err != nil {
		t.Fatal(err)
	}
	src.files = map[string]string{"mem:b": "b2", "mem:c": "c"}
	job, err := j.Update(t.Context(), writer, "docs", src, []Item{{Item: "mem:b"}, {Item: "mem:c"}, {Item: "mem:vanished"}}, []string{"mem:a"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"mem:b": "indexed", "mem:c": "indexed", "mem:vanished": "skipped unreadable"}, b.items(job.ID)); diff != "" {
		t.Error(diff)
	}
	if got := b.stored(); got != "mem:b mem:c" || job.Counts.Deleted != 1 {
		t.Errorf("stored: %s, job %+v", got, job)
	}
}

// many makes a source of n files.
func many(n int) *memory {
	src := &memory{files: map[string]string{}}
	for i := range n {
		src.files[fmt.Sprintf("mem:%04d", i)] = fmt.Sprintf("Text %d.", i)
	}
	return src
}

func TestBreakOffAndResume(t *testing.T) {
	b := newBench(t)
	src := many(700)
	ctx, cancel := context.WithCancel(t.Context())
	var read atomic.Int32
	src.reading = func(string) {
		if read.Add(1) == 300 {
			cancel()
		}
	}
	j := b.jobs(src)
	_, err := j.Sync(ctx, writer, "docs", src, func(rag.Job) {})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	unfinished, err := b.catalog.UnfinishedJobs(t.Context())
	if err != nil || len(unfinished) != 1 || !unfinished[0].Counts.Balanced() || unfinished[0].Counts.Indexed == 0 {
		t.Fatalf("unfinished %+v, %v", unfinished, err)
	}
	src.mu.Lock()
	delete(src.files, "mem:0250") // accepted, perhaps not worked off, and gone
	src.mu.Unlock()

	j = b.jobs(src)
	ctx, cancel = context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- j.Run(ctx) }()
	if err := j.Resume(t.Context(), writer, func(rag.Job) bool { return false }); err != nil {
		t.Fatal(err)
	}
	job := b.ended(unfinished[0].ID)
	cancel()
	<-done
	if job.State != rag.JobDone || !job.Counts.Balanced() || job.Counts.Accepted != 700 || job.Counts.Unchanged > 8 {
		t.Errorf("job %+v", job)
	}
	if n := len(strings.Fields(b.stored())); n != 699 {
		t.Errorf("%d documents of 699", n)
	}
}

func (b *bench) ended(id string) rag.Job {
	b.Helper()
	for range 3000 {
		job, err := b.catalog.Job(b.Context(), id)
		if err != nil {
			b.Fatal(err)
		}
		if job.State != rag.JobRunning {
			return job
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.Fatal("the job does not end")
	return rag.Job{}
}

func TestCancel(t *testing.T) {
	b := newBench(t)
	src := many(300)
	reached := make(chan struct{})
	var once sync.Once
	src.reading = func(string) { once.Do(func() { close(reached) }) }
	j := b.jobs(src)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- j.Run(ctx) }()
	job, err := j.Start(t.Context(), writer, "docs", src)
	if err != nil {
		t.Fatal(err)
	}
	<-reached
	if _, err := j.Cancel(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	ended := b.ended(job.ID)
	stop()
	<-done
	if ended.State != rag.JobCanceled || !ended.Counts.Balanced() || ended.Counts.Queued != 0 {
		t.Errorf("job %+v", ended)
	}
	if again, err := j.Cancel(t.Context(), job.ID); err != nil || again.State != rag.JobCanceled {
		t.Errorf("canceled twice: %+v, %v", again, err)
	}
}

func TestBatchOfADeadProcess(t *testing.T) {
	b := newBench(t)
	j := b.jobs(nil)
	job, err := j.StartBatch(t.Context(), writer, "docs")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.catalog.AddJobItems(t.Context(), job.ID, []string{"u:1", "u:2"}); err != nil {
		t.Fatal(err)
	}
	if err := b.jobs(nil).Resume(t.Context(), writer, func(rag.Job) bool { return false }); err != nil {
		t.Fatal(err)
	}
	ended := b.ended(job.ID)
	if ended.State != rag.JobCanceled || ended.Counts.Skipped != 2 || !ended.Counts.Balanced() {
		t.Errorf("job %+v", ended)
	}
}
