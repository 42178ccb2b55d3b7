package catalogtest

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/internal/rag"
)

func testJobs(t *testing.T, f *fixture) {
	var made []rag.Job
	for i := range 3 {
		j, err := f.CreateJob(f.ctx, rag.Job{Collection: "notes", Source: "folder", Path: fmt.Sprint("dir", i)})
		f.must(err)
		if j.ID == "" || j.State != rag.JobRunning || j.CreatedAt.IsZero() || !j.FinishedAt.IsZero() {
			t.Errorf("created %+v", j)
		}
		got, err := f.Job(f.ctx, j.ID)
		f.must(err)
		if diff := cmp.Diff(j, got); diff != "" {
			t.Error(diff)
		}
		made = append(made, j)
	}
	done := made[1]
	done.State, done.Listed, done.Error, done.Counts.Deleted = rag.JobFailed, true, "the folder is gone", 4
	done.Counts.Accepted = 99 // the catalog's own: ignored
	got, err := f.UpdateJob(f.ctx, done)
	f.must(err)
	if got.State != rag.JobFailed || !got.Listed || got.Error != done.Error || got.Counts != (rag.JobCounts{Deleted: 4}) || got.FinishedAt.IsZero() {
		t.Errorf("updated to %+v", got)
	}
	open, err := f.UnfinishedJobs(f.ctx)
	f.must(err)
	if len(open) != 2 || open[0].ID != made[0].ID || open[1].ID != made[2].ID {
		t.Errorf("unfinished: %+v", open)
	}
	page, err := f.ListJobs(f.ctx, "", 2)
	f.must(err)
	rest, err := f.ListJobs(f.ctx, page[len(page)-1].ID, 2)
	f.must(err)
	if len(page) != 2 || page[0].ID != made[2].ID || page[1].ID != made[1].ID || len(rest) != 1 || rest[0].ID != made[0].ID {
		t.Errorf("listed %+v, then %+v", page, rest)
	}
	_, err = f.Job(f.ctx, "none")
	f.code(err, rag.CodeNotFound)
	_, err = f.UpdateJob(f.ctx, rag.Job{ID: "none", State: rag.JobDone})
	f.code(err, rag.CodeNotFound)
	_, err = f.UpdateJob(f.ctx, rag.Job{ID: made[0].ID, State: "lost"})
	f.code(err, rag.CodeInvalid)
	f.code(f.AddJobItems(f.ctx, "none", []string{"a"}), rag.CodeNotFound)
	f.code(f.FinishJobItem(f.ctx, "none", rag.JobItem{Item: "a", Result: rag.Failed}, 0), rag.CodeNotFound)
}

func testJobItems(t *testing.T, f *fixture) {
	j, err := f.CreateJob(f.ctx, rag.Job{Collection: "notes"})
	f.must(err)
	balance := func(want rag.JobCounts) {
		t.Helper()
		got, err := f.Job(f.ctx, j.ID)
		f.must(err)
		if got.Counts != want || !got.Counts.Balanced() {
			t.Errorf("counts %+v, want %+v", got.Counts, want)
		}
	}
	f.must(f.AddJobItems(f.ctx, j.ID, []string{"e", "d", "c"}))
	f.must(f.AddJobItems(f.ctx, j.ID, []string{"d", "b", "a", "b"}))
	balance(rag.JobCounts{Accepted: 5, Queued: 5})
	finish := func(item string, r rag.Result, reason rag.Reason, size int64) {
		t.Helper()
		f.must(f.FinishJobItem(f.ctx, j.ID, rag.JobItem{Item: item, Result: r, Reason: reason, Detail: "why"}, size))
	}
	finish("d", rag.Skipped, rag.ReasonTooLarge, 10)
	finish("c", rag.Failed, rag.ReasonParse, 5)
	balance(rag.JobCounts{Accepted: 5, Queued: 3, Skipped: 1, Failed: 1, Bytes: 15})
	finish("c", rag.Skipped, rag.ReasonEmpty, 7)
	balance(rag.JobCounts{Accepted: 5, Queued: 3, Skipped: 2, Bytes: 17})
	finish("c", rag.Skipped, rag.ReasonEmpty, 7)
	finish("late", rag.Failed, rag.ReasonParse, 1)
	balance(rag.JobCounts{Accepted: 6, Queued: 3, Skipped: 2, Failed: 1, Bytes: 18})
	f.code(f.FinishJobItem(f.ctx, j.ID, rag.JobItem{Item: "e", Result: rag.Queued}, 0), rag.CodeInvalid)
	f.code(f.AddJobItems(f.ctx, j.ID, []string{""}), rag.CodeInvalid)

	names := func(l rag.JobItemList) (out []string) {
		t.Helper()
		for {
			items, next, err := f.JobItems(f.ctx, j.ID, l)
			f.must(err)
			for _, it := range items {
				out = append(out, it.Item)
			}
			if l.After = next; next == 0 {
				return out
			}
		}
	}
	for _, c := range []struct {
		list rag.JobItemList
		want []string
	}{
		{rag.JobItemList{}, []string{"e", "d", "c", "b", "a", "late"}},
		{rag.JobItemList{Limit: 1}, []string{"e", "d", "c", "b", "a", "late"}},
		{rag.JobItemList{Limit: 3}, []string{"e", "d", "c", "b", "a", "late"}},
		{rag.JobItemList{Result: rag.Queued, Limit: 2}, []string{"e", "b", "a"}},
		{rag.JobItemList{Result: rag.Skipped, Reason: rag.ReasonEmpty}, []string{"c"}},
		{rag.JobItemList{Result: rag.Skipped, Limit: 1}, []string{"d", "c"}},
		{rag.JobItemList{Reason: rag.ReasonParse}, []string{"late"}},
		{rag.JobItemList{Result: rag.Indexed}, nil},
	} {
		if got := names(c.list); !cmp.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.list, got, c.want)
		}
	}
	reasons, err := f.JobReasons(f.ctx, j.ID)
	f.must(err)
	want := []rag.ReasonCount{
		{Result: rag.Failed, Reason: rag.ReasonParse, Count: 1}, {Result: rag.Queued, Count: 3},
		{Result: rag.Skipped, Reason: rag.ReasonEmpty, Count: 1}, {Result: rag.Skipped, Reason: rag.ReasonTooLarge, Count: 1},
	}
	if !cmp.Equal(reasons, want) {
		t.Errorf("reasons %+v", reasons)
	}
}

func testJobPublish(t *testing.T, f *fixture) {
	f.collection("notes")
	j, err := f.CreateJob(f.ctx, rag.Job{Collection: "notes"})
	f.must(err)
	f.must(f.AddJobItems(f.ctx, j.ID, []string{"a", "b"}))
	p := Doc("notes", "a", "One.")
	p.Job, p.Item = j.ID, "a"
	out := f.put(p)
	p = Doc("notes", "b", "Two.")
	f.put(p)
	p.Job, p.Item = j.ID, "b"
	f.put(p)
	got, err := f.Job(f.ctx, j.ID)
	f.must(err)
	if want := (rag.JobCounts{Accepted: 2, Indexed: 1, Unchanged: 1, Bytes: 8}); got.Counts != want {
		t.Errorf("counts %+v, want %+v", got.Counts, want)
	}
	items, _, err := f.JobItems(f.ctx, j.ID, rag.JobItemList{})
	f.must(err)
	a := items[0]
	if a.Result != rag.Indexed || a.DocumentID != out.Document.ID || a.Version != 1 || a.Seq != out.Seq || a.UpdatedAt.IsZero() {
		t.Errorf("item %+v", a)
	}
	head, err := f.Head(f.ctx)
	f.must(err)
	p = Doc("notes", "c", "Three.")
	p.Job, p.Item = "none", "c"
	_, err = f.Publish(f.ctx, p)
	f.code(err, rag.CodeNotFound)
	if now, _ := f.Head(f.ctx); now != head {
		t.Error("a version was committed although its job does not exist")
	}
	_, err = f.Document(f.ctx, all, rag.DocumentID("notes", "c"), 0)
	f.code(err, rag.CodeNotFound)
}

func testKeys(t *testing.T, f *fixture) {
	request := rag.HashBytes([]byte("request"))
	_, ok, err := f.BeginKey(f.ctx, "k", request)
	if err != nil || !ok {
		t.Fatalf("first claim: %v, %v", ok, err)
	}
	stored, ok, err := f.BeginKey(f.ctx, "k", rag.Hash{})
	if err != nil || ok || stored.Done || stored.Request != request {
		t.Errorf("second claim: %+v, %v, %v", stored, ok, err)
	}
	f.must(f.EndKey(f.ctx, "k", 201, []byte("body")))
	stored, ok, err = f.BeginKey(f.ctx, "k", request)
	if want := (rag.KeyRecord{Request: request, Done: true, Status: 201, Body: []byte("body")}); err != nil || ok || !cmp.Equal(stored, want) {
		t.Errorf("claim after the end: %+v, %v, %v", stored, ok, err)
	}
	f.must(f.DropKey(f.ctx, "k"))
	if _, ok, err := f.BeginKey(f.ctx, "k", request); err != nil || !ok {
		t.Errorf("claim after the drop: %v, %v", ok, err)
	}
	f.code(f.EndKey(f.ctx, "unclaimed", 200, nil), rag.CodeNotFound)
	_, _, err = f.BeginKey(f.ctx, "", request)
	f.code(err, rag.CodeInvalid)
}
