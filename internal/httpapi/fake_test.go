package httpapi

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/rag"
)

// fake is every interface that the edge needs, in memory. Function fields
// replace what a test cares about.
type fake struct {
	mu          sync.Mutex
	seq         uint64
	collections map[string]rag.Collection
	docs        map[string][]stored // versions, oldest first
	jobs        map[string]rag.Job
	items       map[string][]rag.JobItem // by job
	keys        map[string]rag.KeyRecord

	work api.Maintenance

	principal rag.Principal
	authErr   error
	readiness api.Ready
	applied   uint64

	onSearch func(context.Context, rag.Query) (rag.SearchResult, error)
	onAnswer func(context.Context, rag.Question, func(rag.Event) error) (rag.Answer, error)
	onPut    func(context.Context, rag.Incoming) (rag.Outcome, error)
	onFolder func(collection, path string) error
	addErr   error // of AddJobItems
}

type stored struct {
	rag.Document
	text   string
	source []byte
	chunks []rag.Chunk
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newFake() *fake {
	f := &fake{
		collections: map[string]rag.Collection{}, docs: map[string][]stored{}, jobs: map[string]rag.Job{},
		items: map[string][]rag.JobItem{}, keys: map[string]rag.KeyRecord{},
		principal: rag.Principal{Subject: "local", Roles: []rag.Role{rag.RoleAdmin}},
		readiness: api.Ready{Status: "ready", Checks: []api.Check{{Name: "catalog", Required: true, State: "ok"}}},
	}
	f.collections["docs"] = rag.Collection{Name: "docs", Fingerprint: "f1", Seq: f.next()}
	return f
}

func (f *fake) next() uint64 { f.seq++; return f.seq }

func (f *fake) options() Options {
	return Options{
		Catalog: f, Index: fakeIndex{f}, Searcher: f, Answerer: f, Ingester: f, Jobs: f, Eraser: f, Maintainer: fakeMaintainer{f},
		Authenticate: func(*http.Request) (rag.Principal, error) { return f.principal, f.authErr },
		Scope: func(p rag.Principal) rag.Scope {
			if p.Has(rag.RoleAdmin) {
				return rag.SystemScope("test")
			}
			return rag.LabelScope([]string{"user:" + p.Subject})
		},
		Ready: func(context.Context) api.Ready { return f.readiness }, Fingerprint: "f1",
		Now: func() time.Time { return noon }, BatchSlots: 2,
	}
}

// add stores a version directly.
func (f *fake) add(collection, uri, text string, access ...string) rag.Document {
	id := rag.DocumentID(collection, uri)
	d := stored{text: text, source: []byte(text)}
	d.Document = rag.Document{ID: id, Collection: collection, URI: uri, Access: access, Seq: f.next(), CreatedAt: noon, UpdatedAt: noon}
	d.Version = rag.Version{Number: len(f.docs[id]) + 1, Title: uri, Kind: rag.KindText, MediaType: "text/plain", Seq: d.Seq,
		SizeBytes: int64(len(text)), TextBytes: int64(len(text)), SourceHash: rag.HashBytes([]byte(text)), TextHash: rag.HashBytes([]byte(text))}
	for i, line := range strings.SplitAfter(text, "\n") {
		start := strings.Index(text, line)
		d.chunks = append(d.chunks, rag.Chunk{
			Key: rag.ChunkKey{DocumentID: id, Version: d.Version.Number, Ordinal: i}, Text: line,
			Span: rag.Span{ByteStart: start, ByteEnd: start + len(line)}, Locator: rag.Locator{Page: i/2 + 1, LineStart: i + 1, LineEnd: i + 1},
		})
	}
	d.Version.Chunks = len(d.chunks)
	for i := range f.docs[id] {
		f.docs[id][i].Version.Gone = true
	}
	f.docs[id] = append(f.docs[id], d)
	return d.Document
}

func (f *fake) find(s rag.Scope, id string, version int) (stored, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	versions := f.docs[id]
	for i := len(versions) - 1; i >= 0; i-- {
		d := versions[i]
		if (version == 0 && !d.Version.Gone || version == d.Version.Number) && s.Allows(d.Access) {
			return d, nil
		}
	}
	return stored{}, rag.NotFound("document " + id)
}

func (f *fake) CreateCollection(_ context.Context, c rag.Collection) (rag.Collection, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.collections[c.Name]; ok {
		return c, &rag.Error{Code: rag.CodeConflict, Field: "/name", Message: "the name is taken"}
	}
	c.Seq, c.CreatedAt, c.UpdatedAt = f.next(), noon, noon
	f.collections[c.Name] = c
	return c, nil
}

func (f *fake) AlterCollection(_ context.Context, c rag.Collection, ifSeq uint64) (rag.Collection, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ifSeq != 0 && f.collections[c.Name].Seq != ifSeq {
		return c, &rag.Error{Code: rag.CodePrecondition, Message: "it changed since"}
	}
	c.Seq = f.next()
	f.collections[c.Name] = c
	return c, nil
}

func (f *fake) DropCollection(_ context.Context, name string, ifSeq uint64) (uint64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ifSeq != 0 && f.collections[name].Seq != ifSeq {
		return 0, &rag.Error{Code: rag.CodePrecondition, Message: "it changed since"}
	}
	delete(f.collections, name)
	return f.next(), nil
}

func (f *fake) Collection(_ context.Context, s rag.Scope, name string) (rag.Collection, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, ok := f.collections[name]
	if !ok || s.Empty() {
		return c, rag.NotFound("collection " + name)
	}
	return c, nil
}

func (f *fake) ListCollections(context.Context, rag.Scope) ([]rag.Collection, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []rag.Collection
	for _, c := range f.collections {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b rag.Collection) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

func (f *fake) CountCollection(ctx context.Context, s rag.Scope, name string) (rag.CollectionCounts, error) {
	_, err := f.Collection(ctx, s, name)
	return rag.CollectionCounts{Documents: 3, Chunks: 4, Embedded: 2, TextBytes: 50}, err
}

func (f *fake) Publish(context.Context, rag.Publication) (rag.Published, error) {
	panic("the edge does not publish")
}

func (f *fake) SetAccess(_ context.Context, id string, access []string, ifSeq uint64) (rag.Document, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	versions := f.docs[id]
	d := &versions[len(versions)-1]
	if ifSeq != 0 && d.Seq != ifSeq {
		return rag.Document{}, &rag.Error{Code: rag.CodePrecondition, Message: "it changed since"}
	}
	d.Access, d.Seq = access, f.next()
	return d.Document, nil
}

func (f *fake) DeleteDocument(_ context.Context, s rag.Scope, id string, ifSeq uint64) (uint64, error) {
	d, err := f.find(s, id, 0)
	if err != nil {
		return 0, err
	}
	if ifSeq != 0 && d.Seq != ifSeq {
		return 0, &rag.Error{Code: rag.CodePrecondition, Message: "it changed since"}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.docs[id][len(f.docs[id])-1].Version.Gone = true
	return f.next(), nil
}

func (f *fake) Erase(_ context.Context, s rag.Scope, id string, whole bool, ifSeq uint64) (rag.Erased, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	kept := f.docs[id]
	if len(kept) == 0 || !s.Allows(kept[0].Access) {
		return rag.Erased{}, rag.NotFound("document " + id)
	}
	if last := len(kept) - 1; ifSeq != 0 && kept[last].Seq != ifSeq {
		return rag.Erased{}, &rag.Error{Code: rag.CodePrecondition, Message: "it changed since"}
	}
	f.docs[id] = slices.DeleteFunc(slices.Clone(kept), func(d stored) bool { return whole || d.Version.Gone })
	return rag.Erased{Seq: f.next(), DocumentID: id, Versions: len(kept) - len(f.docs[id])}, nil
}

func (f *fake) Document(_ context.Context, s rag.Scope, id string, version int) (rag.Document, error) {
	d, err := f.find(s, id, version)
	return d.Document, err
}

func (f *fake) ListDocuments(_ context.Context, s rag.Scope, l rag.DocumentList) ([]rag.Document, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []rag.Document
	for id, versions := range f.docs {
		d := versions[len(versions)-1].Document
		if d.Collection == l.Collection && strings.HasPrefix(d.URI, l.URIPrefix) && id > l.After && s.Allows(d.Access) {
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b rag.Document) int { return cmp.Compare(a.ID, b.ID) })
	return all[:min(l.Limit, len(all))], nil
}

func (f *fake) Versions(_ context.Context, s rag.Scope, id string) ([]rag.Version, error) {
	if _, err := f.find(s, id, 0); err != nil {
		return nil, err
	}
	var all []rag.Version
	for _, d := range slices.Backward(f.docs[id]) {
		all = append(all, d.Version)
	}
	return all, nil
}

func (f *fake) Text(_ context.Context, s rag.Scope, id string, version int) (string, error) {
	d, err := f.find(s, id, version)
	return d.text, err
}

func (f *fake) Source(_ context.Context, s rag.Scope, id string, version int) ([]byte, error) {
	d, err := f.find(s, id, version)
	return d.source, err
}

func (f *fake) DocumentChunks(_ context.Context, s rag.Scope, id string, version int) ([]rag.Chunk, error) {
	d, err := f.find(s, id, version)
	return d.chunks, err
}

func (f *fake) Chunks(context.Context, rag.Scope, []rag.ChunkKey) ([]rag.StoredChunk, error) {
	panic("the edge does not hydrate")
}

func (f *fake) Head(context.Context) (uint64, error) { return f.seq, nil }
func (f *fake) Changes(context.Context, uint64, int) ([]rag.Change, error) {
	panic("the edge does not follow")
}
func (f *fake) WaitHead(context.Context, uint64) (uint64, error) { return f.seq, nil }
func (f *fake) Cursor(_ context.Context, follower string) (uint64, error) {
	if follower != embedderFollower {
		return 0, fmt.Errorf("no follower %q", follower)
	}
	return 1, nil
}
func (f *fake) SetCursor(context.Context, string, uint64) error { panic("the edge does not follow") }

func (f *fake) CreateJob(_ context.Context, j rag.Job) (rag.Job, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	j.ID = fmt.Sprintf("j%d", len(f.jobs)+1)
	j.CreatedAt, j.UpdatedAt = noon.Add(-10*time.Second), noon
	f.jobs[j.ID] = j
	return j, nil
}

func (f *fake) AddJobItems(_ context.Context, job string, items []string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.addErr != nil {
		return f.addErr
	}
	for _, it := range items {
		f.items[job] = append(f.items[job], rag.JobItem{Item: it, Result: rag.Queued})
	}
	return nil
}

func (f *fake) FinishJobItem(_ context.Context, job string, it rag.JobItem, size int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, have := range f.items[job] {
		if have.Item == it.Item {
			f.items[job][i] = it
			return nil
		}
	}
	return fmt.Errorf("job %s has no item %q", job, it.Item)
}

func (f *fake) UpdateJob(_ context.Context, j rag.Job) (rag.Job, error) {
	f.mu.Lock()
	f.jobs[j.ID] = j
	f.mu.Unlock()
	return f.Job(context.Background(), j.ID)
}

func (f *fake) Job(_ context.Context, id string) (rag.Job, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	j, ok := f.jobs[id]
	if !ok {
		return j, rag.NotFound("job " + id)
	}
	j.Counts = rag.JobCounts{}
	for _, it := range f.items[id] {
		j.Counts.Accepted++
		switch it.Result {
		case rag.Queued:
			j.Counts.Queued++
		case rag.Indexed:
			j.Counts.Indexed++
		case rag.Unchanged:
			j.Counts.Unchanged++
		case rag.Skipped:
			j.Counts.Skipped++
		case rag.Failed:
			j.Counts.Failed++
		}
	}
	return j, nil
}

func (f *fake) ListJobs(_ context.Context, after string, limit int) ([]rag.Job, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []rag.Job
	for id, j := range f.jobs {
		if after == "" || id < after {
			all = append(all, j)
		}
	}
	slices.SortFunc(all, func(a, b rag.Job) int { return cmp.Compare(b.ID, a.ID) })
	return all[:min(limit, len(all))], nil
}

func (f *fake) UnfinishedJobs(context.Context) ([]rag.Job, error) {
	panic("the edge does not resume")
}

func (f *fake) JobItems(_ context.Context, job string, l rag.JobItemList) ([]rag.JobItem, int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var page []rag.JobItem
	for i, it := range f.items[job] {
		if int64(i) < l.After || l.Result != "" && it.Result != l.Result || l.Reason != "" && it.Reason != l.Reason {
			continue
		}
		if len(page) == l.Limit {
			return page, int64(i), nil
		}
		page = append(page, it)
	}
	return page, 0, nil
}

func (f *fake) JobReasons(_ context.Context, job string) ([]rag.ReasonCount, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	counts := map[rag.ReasonCount]int64{}
	for _, it := range f.items[job] {
		counts[rag.ReasonCount{Result: it.Result, Reason: it.Reason}]++
	}
	var out []rag.ReasonCount
	for k, n := range counts {
		k.Count = n
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b rag.ReasonCount) int {
		return cmp.Compare(a.Result+"/"+rag.Result(a.Reason), b.Result+"/"+rag.Result(b.Reason))
	})
	return out, nil
}

func (f *fake) BeginKey(_ context.Context, key string, request rag.Hash) (rag.KeyRecord, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r, ok := f.keys[key]; ok {
		return r, false, nil
	}
	f.keys[key] = rag.KeyRecord{Request: request}
	return rag.KeyRecord{}, true, nil
}

func (f *fake) EndKey(_ context.Context, key string, status int, body []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.keys[key]
	r.Done, r.Status, r.Body = true, status, body
	f.keys[key] = r
	return nil
}

func (f *fake) DropKey(_ context.Context, key string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.keys, key)
	return nil
}

func (f *fake) Search(ctx context.Context, _ rag.Principal, q rag.Query) (rag.SearchResult, error) {
	return f.onSearch(ctx, q)
}

func (f *fake) Answer(ctx context.Context, _ rag.Principal, q rag.Question, send func(rag.Event) error) (rag.Answer, error) {
	return f.onAnswer(ctx, q, send)
}

// Put stores the document, unless onPut decides.
func (f *fake) Put(ctx context.Context, _ rag.Principal, in rag.Incoming) (rag.Outcome, error) {
	if f.onPut != nil {
		return f.onPut(ctx, in)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	id := in.ID
	if id == "" {
		id = rag.DocumentID(in.Collection, in.URI)
	}
	if in.IfAbsent && len(f.docs[id]) > 0 {
		return rag.Outcome{}, &rag.Error{Code: rag.CodeConflict, Message: "there is one already"}
	}
	if len(in.Data) == 0 {
		return f.finish(in, rag.Outcome{Result: rag.Skipped, Reason: rag.ReasonEmpty, Detail: "no bytes"}), nil
	}
	d := f.add(in.Collection, in.URI, string(in.Data))
	return f.finish(in, rag.Outcome{Document: d, Result: rag.Indexed, Seq: d.Seq}), nil
}

// finish records an outcome in the job; f.mu is held.
func (f *fake) finish(in rag.Incoming, out rag.Outcome) rag.Outcome {
	for i, it := range f.items[in.Job] {
		if it.Item == in.Item {
			f.items[in.Job][i] = rag.JobItem{Item: in.Item, Result: out.Result, Reason: out.Reason}
		}
	}
	return out
}

func (f *fake) StartFolderJob(ctx context.Context, _ rag.Principal, collection, path string) (rag.Job, error) {
	if f.onFolder != nil {
		if err := f.onFolder(collection, path); err != nil {
			return rag.Job{}, err
		}
	}
	return f.CreateJob(ctx, rag.Job{Collection: collection, Source: "folder", Path: path, State: rag.JobRunning})
}

func (f *fake) StartBatch(ctx context.Context, _ rag.Principal, collection string) (rag.Job, error) {
	return f.CreateJob(ctx, rag.Job{Collection: collection, Source: "batch", State: rag.JobRunning})
}

func (f *fake) CancelJob(ctx context.Context, id string) error {
	j, err := f.Job(ctx, id)
	if err != nil {
		return err
	}
	j.State = rag.JobCanceled
	_, err = f.UpdateJob(ctx, j)
	return err
}

type fakeIndex struct{ *fake }

func (i fakeIndex) Applied() uint64 { return i.applied }
func (i fakeIndex) Stats(context.Context, string) (rag.IndexStats, error) {
	return rag.IndexStats{Chunks: 4, Vectors: 2, Segments: 1}, nil
}

// fakeMaintainer runs one piece of work, "m1", until it is canceled.
type fakeMaintainer struct{ *fake }

func (f fakeMaintainer) Start(_ context.Context, in api.StartMaintenance) (api.Maintenance, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.work.State == "running" {
		return api.Maintenance{}, &rag.Error{Code: rag.CodeConflict, Message: "m1 is running"}
	}
	f.work = api.Maintenance{ID: "m1", Kind: in.Kind, State: "running", CreatedAt: noon}
	return f.work, nil
}

func (f fakeMaintainer) Maintenance(id string) (api.Maintenance, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.work.ID != id {
		return api.Maintenance{}, rag.NotFound("maintenance " + id)
	}
	return f.work, nil
}

func (f fakeMaintainer) Cancel(_ context.Context, id string) (api.Maintenance, error) {
	if _, err := f.Maintenance(id); err != nil {
		return api.Maintenance{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.work.State = "canceled"
	return f.work, nil
}
