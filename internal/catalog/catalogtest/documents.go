package catalogtest

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

func testPublish(t *testing.T, f *fixture) {
	f.collection("notes")
	p := Doc("notes", "dir/a.txt", "Größe\n\nTwo.\n\nThree.")
	p.Source = []byte("\xef\xbb\xbfGröße\r\n\r\nTwo.\r\n\r\nThree.")
	out := f.put(p)
	d := out.Document
	if out.Result != rag.Indexed || out.NewChunks != 3 || d.ID != rag.DocumentID("notes", "dir/a.txt") || d.Version.Number != 1 || d.Seq != out.Seq {
		t.Errorf("published %+v", out)
	}
	if d.Version.SourceHash != rag.HashBytes(p.Source) || d.Version.TextHash != rag.HashBytes([]byte(p.Text)) ||
		d.Version.SizeBytes != int64(len(p.Source)) || d.Version.TextBytes != int64(len(p.Text)) || d.Version.Chunks != 3 {
		t.Errorf("version %+v", d.Version)
	}
	if !cmp.Equal(d.Access, []string{rag.Everyone}) {
		t.Errorf("access %v", d.Access)
	}
	got, err := f.Document(f.ctx, all, d.ID, 0)
	f.must(err)
	if diff := cmp.Diff(d, got); diff != "" {
		t.Error(diff)
	}
	text, err := f.Text(f.ctx, all, d.ID, 0)
	f.must(err)
	source, err := f.Source(f.ctx, all, d.ID, 1)
	f.must(err)
	if text != p.Text || string(source) != string(p.Source) {
		t.Errorf("read back %q and %q", text, source)
	}

	same := f.put(p)
	if same.Result != rag.Unchanged || same.Seq != out.Seq || same.Document.Version.Number != 1 || same.NewChunks != 0 {
		t.Errorf("the same again: %+v", same)
	}
	q := Doc("notes", "dir/a.txt", "Größe\n\nTwo.\n\nFour.")
	next := f.put(q)
	if next.Result != rag.Indexed || next.NewChunks != 1 || next.Document.Version.Number != 2 || next.Seq <= out.Seq || !next.Document.CreatedAt.Equal(d.CreatedAt) {
		t.Errorf("second version: %+v", next)
	}
	old, err := f.Document(f.ctx, all, d.ID, 1)
	f.must(err)
	if !old.Version.Gone || old.Version.Seq != out.Seq || old.Seq != next.Seq {
		t.Errorf("the replaced version reads %+v", old)
	}
	for change, edit := range map[string]func(*rag.Publication){
		"title": func(p *rag.Publication) { p.Document.Version.Title = "Another" },
		"kind":  func(p *rag.Publication) { p.Document.Version.Kind = rag.KindMarkdown },
		"attributes": func(p *rag.Publication) {
			p.Document.Version.Attributes = map[string]filter.Value{"a": filter.BoolOf(true)}
		},
		"chunks": func(p *rag.Publication) { p.Chunks = p.Chunks[:2] },
		"source": func(p *rag.Publication) { p.Source = append(p.Source, ' ') },
	} {
		r := Doc("notes", change, "Größe\n\nTwo.\n\nFour.")
		f.put(r)
		edit(&r)
		if out := f.put(r); out.Result != rag.Indexed || out.Document.Version.Number != 2 {
			t.Errorf("another %s gave %+v", change, out)
		}
	}
	if empty := f.put(Doc("notes", "empty", "")); empty.Result != rag.Indexed || empty.Document.Version.Chunks != 0 {
		t.Errorf("an empty document: %+v", empty)
	}
}

func testPublishAccess(t *testing.T, f *fixture) {
	f.collection("notes")
	p := Doc("notes", "a", "One.")
	p.Document.Access = []string{"user:b", "user:a", "user:b"}
	out := f.put(p)
	want := []string{"user:a", "user:b"}
	if !cmp.Equal(out.Document.Access, want) || !cmp.Equal(out.Document.Version.Access, want) {
		t.Errorf("access %v", out.Document.Access)
	}
	p.Document.Access = []string{"user:c"}
	kept := f.put(p)
	if kept.Result != rag.Unchanged || kept.Seq <= out.Seq || !cmp.Equal(kept.Document.Access, []string{"user:c"}) || kept.Document.Version.Number != 1 {
		t.Errorf("only the access list differs: %+v", kept)
	}
	if !cmp.Equal(kept.Document.Version.Access, want) {
		t.Errorf("a version keeps its list: %v", kept.Document.Version.Access)
	}
	last := f.changes(out.Seq)
	if len(last) != 1 || last[0].Kind != rag.ChangeAccess || last[0].Document.ID != out.Document.ID || !cmp.Equal(last[0].Document.Access, []string{"user:c"}) {
		t.Errorf("log: %+v", last)
	}

	// A list that is not given is kept: by a repeat, an edit, and by a new
	// upload after a deletion.
	p.Document.Access = nil
	if same := f.put(p); same.Result != rag.Unchanged || !cmp.Equal(same.Document.Access, []string{"user:c"}) {
		t.Errorf("published without a list: %+v", same)
	}
	if next := f.put(Doc("notes", "a", "Two.")); !cmp.Equal(next.Document.Access, []string{"user:c"}) {
		t.Errorf("an edit opened the document to %v", next.Document.Access)
	}
	_, err := f.DeleteDocument(f.ctx, all, out.Document.ID, 0)
	f.must(err)
	if next := f.put(Doc("notes", "a", "Three.")); !cmp.Equal(next.Document.Access, []string{"user:c"}) {
		t.Errorf("a deletion and a new upload opened the document to %v", next.Document.Access)
	}
	nobody := Doc("notes", "b", "One.")
	nobody.Document.Access = []string{}
	made := f.put(nobody)
	if made.Document.Access == nil || len(made.Document.Access) != 0 {
		t.Errorf("an empty list became %v", made.Document.Access)
	}
	_, err = f.Document(f.ctx, rag.LabelScope([]string{rag.Everyone, "user:c"}), made.Document.ID, 0)
	f.code(err, rag.CodeNotFound)
}

func testPublishConditions(t *testing.T, f *fixture) {
	f.collection("notes")
	f.collection("other")
	p := Doc("notes", "a", "One.")
	p.IfSeq = 1
	_, err := f.Publish(f.ctx, p)
	f.code(err, rag.CodePrecondition)
	p.IfSeq, p.IfAbsent = 0, true
	out := f.put(p)
	_, err = f.Publish(f.ctx, p)
	f.code(err, rag.CodeConflict)
	q := Doc("notes", "a", "Two.")
	q.IfSeq = out.Document.Seq
	next := f.put(q)
	q = Doc("notes", "a", "Three.")
	q.IfSeq = out.Document.Seq
	_, err = f.Publish(f.ctx, q)
	f.code(err, rag.CodePrecondition)
	_, err = f.DeleteDocument(f.ctx, all, out.Document.ID, out.Document.Seq)
	f.code(err, rag.CodePrecondition)
	_, err = f.DeleteDocument(f.ctx, all, out.Document.ID, next.Document.Seq)
	f.must(err)
	f.put(p) // absent again

	named := Doc("notes", "named.txt", "One.")
	named.Document.ID = "my-document:1"
	if out := f.put(named); out.Document.ID != "my-document:1" {
		t.Errorf("the caller's id became %q", out.Document.ID)
	}
	named.Document.URI = "renamed.txt"
	if out := f.put(named); out.Result != rag.Indexed || out.Document.URI != "renamed.txt" || out.Document.Version.Number != 2 {
		t.Errorf("renamed: %+v", out)
	}
	elsewhere := named
	elsewhere.Document.Collection = "other"
	_, err = f.Publish(f.ctx, elsewhere)
	f.code(err, rag.CodeConflict)
	twice := Doc("notes", "renamed.txt", "Another.")
	_, err = f.Publish(f.ctx, twice)
	f.code(err, rag.CodeConflict)
	_, err = f.Publish(f.ctx, Doc("none", "a", "One."))
	f.code(err, rag.CodeNotFound)
}

func testPublishInvalid(t *testing.T, f *fixture) {
	f.collection("notes")
	many := map[string]filter.Value{}
	for i := range 65 {
		many[fmt.Sprintf("k%d", i)] = filter.NumberOf(1)
	}
	attribute := func(key string, v filter.Value) func(*rag.Publication) {
		return func(p *rag.Publication) { p.Document.Version.Attributes = map[string]filter.Value{key: v} }
	}
	cases := map[string]struct {
		edit  func(*rag.Publication)
		field string
	}{
		"no uri":             {func(p *rag.Publication) { p.Document.URI = "" }, "/uri"},
		"uri with newline":   {func(p *rag.Publication) { p.Document.URI = "a\nb" }, "/uri"},
		"uri not UTF-8":      {func(p *rag.Publication) { p.Document.URI = "a\xff" }, "/uri"},
		"long uri":           {func(p *rag.Publication) { p.Document.URI = strings.Repeat("a", 5000) }, "/uri"},
		"id":                 {func(p *rag.Publication) { p.Document.ID = "a b" }, "/id"},
		"many attributes":    {func(p *rag.Publication) { p.Document.Version.Attributes = many }, "/attributes"},
		"reserved attribute": {attribute("uri", filter.StringOf("x")), "/attributes/uri"},
		"attribute key":      {attribute("a b", filter.StringOf("x")), "/attributes"},
		"NaN":                {attribute("a", filter.NumberOf(math.NaN())), "/attributes/a"},
		"no value":           {attribute("a", filter.Value{}), "/attributes/a"},
		"large value":        {attribute("a", filter.StringOf(strings.Repeat("x", 9000))), "/attributes/a"},
		"long list":          {attribute("a", filter.ListOf(make([]string, 1001)...)), "/attributes/a"},
		"value not UTF-8":    {attribute("a", filter.StringOf("\xff")), "/attributes/a"},
		"many labels":        {func(p *rag.Publication) { p.Document.Access = make([]string, 1001) }, "/access"},
		"empty label":        {func(p *rag.Publication) { p.Document.Access = []string{""} }, "/access"},
		"text not UTF-8":     {func(p *rag.Publication) { p.Text = "\xff"; p.Chunks = nil }, "/text"},
		"source hash":        {func(p *rag.Publication) { p.Document.Version.SourceHash = rag.Hash{1} }, "/source_hash"},
		"span":               {func(p *rag.Publication) { p.Chunks[1].Span.ByteEnd = 1000 }, "/chunks/1"},
		"cut character":      {func(p *rag.Publication) { p.Chunks[0].Span.ByteEnd = 1 }, "/chunks/0"},
		"characters":         {func(p *rag.Publication) { p.Chunks[1].Span.CharStart++ }, "/chunks/1"},
		"chunk text":         {func(p *rag.Publication) { p.Chunks[1].Text = "x" + p.Chunks[1].Text[1:] }, "/chunks/1"},
		"text hash":          {func(p *rag.Publication) { p.Chunks[1].TextHash[0]++ }, "/chunks/1"},
		"ordinal":            {func(p *rag.Publication) { p.Chunks[1].Key.Ordinal = 5 }, "/chunks/1"},
	}
	before, err := f.Head(f.ctx)
	f.must(err)
	for name, c := range cases {
		p := Doc("notes", "a", "Öne.\n\nTwo.")
		c.edit(&p)
		_, err := f.Publish(f.ctx, p)
		var e *rag.Error
		if !asError(err, &e) || e.Code != rag.CodeInvalid || e.Field != c.field {
			t.Errorf("%s: got %v with field %q, want %s at %q", name, err, fieldOf(e), rag.CodeInvalid, c.field)
		}
	}
	if head, _ := f.Head(f.ctx); head != before {
		t.Errorf("refused publications moved the head from %d to %d", before, head)
	}
}

func testAttributes(t *testing.T, f *fixture) {
	f.collection("notes")
	p := Doc("notes", "a", "One.")
	p.Document.Version.Attributes = map[string]filter.Value{
		"string": filter.StringOf("2026-01-02T03:04:05Z"), // looks like a time, and is none
		"number": filter.NumberOf(-0.1),
		"true":   filter.BoolOf(true),
		"false":  filter.BoolOf(false),
		"time":   filter.TimeOf(time.Date(2026, 1, 2, 3, 4, 5, 123456789, time.FixedZone("", 3600))),
		"list":   filter.ListOf("b", "a", "<&>"),
		"none":   filter.ListOf(),
		"empty":  filter.StringOf(""),
	}
	out := f.put(p)
	got, err := f.Document(f.ctx, all, out.Document.ID, 0)
	f.must(err)
	for key, want := range p.Document.Version.Attributes {
		if v := got.Version.Attributes[key]; !v.Equal(want) {
			t.Errorf("%s: stored %v (%v), read %v (%v)", key, want, want.Kind(), v, v.Kind())
		}
	}
	if len(got.Version.Attributes) != len(p.Document.Version.Attributes) {
		t.Errorf("read %v", got.Version.Attributes)
	}
	if same := f.put(p); same.Result != rag.Unchanged {
		t.Errorf("equal attributes: %v", same.Result)
	}
}

func testDelete(t *testing.T, f *fixture) {
	f.collection("notes")
	out := f.put(Doc("notes", "a", "One.\n\nTwo."))
	id := out.Document.ID
	_, err := f.DeleteDocument(f.ctx, rag.LabelScope([]string{"user:x"}), id, 0)
	f.code(err, rag.CodeNotFound)
	seq, err := f.DeleteDocument(f.ctx, all, id, 0)
	f.must(err)
	if seq <= out.Seq {
		t.Errorf("deleted at %d, published at %d", seq, out.Seq)
	}
	_, err = f.DeleteDocument(f.ctx, all, id, 0)
	f.code(err, rag.CodeNotFound)
	_, err = f.SetAccess(f.ctx, id, nil, 0)
	f.code(err, rag.CodeNotFound)
	_, err = f.Document(f.ctx, all, id, 0)
	f.code(err, rag.CodeNotFound)
	_, err = f.Text(f.ctx, all, id, 0)
	f.code(err, rag.CodeNotFound)
	if text, err := f.Text(f.ctx, all, id, 1); err != nil || text != "One.\n\nTwo." {
		t.Errorf("the deleted version reads %q, %v", text, err)
	}
	versions, err := f.Versions(f.ctx, all, id)
	f.must(err)
	if len(versions) != 1 || !versions[0].Gone {
		t.Errorf("versions %+v", versions)
	}
	if list, err := f.ListDocuments(f.ctx, all, rag.DocumentList{Collection: "notes"}); err != nil || len(list) != 0 {
		t.Errorf("listed %v, %v", list, err)
	}
	again := f.put(Doc("notes", "a", "One.\n\nTwo."))
	if again.Result != rag.Indexed || again.Document.Version.Number != 2 || again.NewChunks != 0 {
		t.Errorf("published again: %+v", again)
	}
	changes := f.changes(out.Seq)
	gone := changes[0]
	if gone.Kind != rag.ChangeGone || gone.Seq != seq || gone.Document.ID != id || gone.Document.URI != "a" || gone.Document.Version.Number != 1 || gone.Collection != "notes" {
		t.Errorf("log: %+v", gone)
	}
}

func testList(t *testing.T, f *fixture) {
	f.collection("notes")
	want := map[string]bool{}
	for i := range 25 {
		out := f.put(Doc("notes", fmt.Sprintf("dir%d/%02d.txt", i%2, i), "Text."))
		want[out.Document.ID] = true
	}
	after, seen := "", 0
	for {
		page, err := f.ListDocuments(f.ctx, all, rag.DocumentList{Collection: "notes", After: after, Limit: 10})
		f.must(err)
		for _, d := range page {
			if d.ID <= after || !want[d.ID] {
				t.Errorf("listed %q after %q", d.ID, after)
			}
			after = d.ID
			seen++
		}
		if len(page) < 10 {
			break
		}
	}
	if seen != 25 {
		t.Errorf("listed %d of 25", seen)
	}
	page, err := f.ListDocuments(f.ctx, all, rag.DocumentList{Collection: "notes", URIPrefix: "dir1/"})
	f.must(err)
	if len(page) != 12 {
		t.Errorf("listed %d under the prefix, want 12", len(page))
	}
	_, err = f.ListDocuments(f.ctx, all, rag.DocumentList{Collection: "none"})
	f.code(err, rag.CodeNotFound)
}

func testChunks(t *testing.T, f *fixture) {
	f.collection("notes")
	p := Doc("notes", "a", paragraphs(5, "First"))
	out := f.put(p)
	id := out.Document.ID
	chunks, err := f.DocumentChunks(f.ctx, all, id, 0)
	f.must(err)
	want := p.Chunks
	for i := range want {
		want[i].Key.DocumentID, want[i].Key.Version = id, 1
	}
	if diff := cmp.Diff(want, chunks); diff != "" {
		t.Error(diff)
	}
	f.put(Doc("notes", "a", paragraphs(2, "Second")))
	keys := []rag.ChunkKey{
		{DocumentID: id, Version: 2, Ordinal: 1}, {DocumentID: id, Version: 1, Ordinal: 4},
		{DocumentID: id, Version: 1, Ordinal: 5}, {DocumentID: id, Version: 9}, {DocumentID: id, Version: 0},
		{DocumentID: "nobody", Version: 1}, {DocumentID: id, Version: 2, Ordinal: -1}, {DocumentID: id, Version: 2, Ordinal: 1},
	}
	for range 2 { // cold, then from whatever is cached
		got, err := f.Chunks(f.ctx, all, keys)
		f.must(err)
		if len(got) != len(keys) {
			t.Fatalf("%d chunks for %d keys", len(got), len(keys))
		}
		for i, k := range got {
			exists := i == 0 || i == 1 || i == 7
			switch {
			case exists && (k.Chunk.Key != keys[i] || k.Document.ID != id || k.Document.Version.Number != keys[i].Version):
				t.Errorf("key %v gave %+v", keys[i], k)
			case !exists && !cmp.Equal(k, rag.StoredChunk{}):
				t.Errorf("key %v, which does not exist, gave %+v", keys[i], k)
			}
		}
		if diff := cmp.Diff(want[4], got[1].Chunk); diff != "" {
			t.Error(diff)
		}
		if !got[1].Document.Version.Gone || got[0].Document.Version.Gone {
			t.Error("gone is told of the wrong version")
		}
	}
}
