package catalogtest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/internal/rag"
)

func testAccess(t *testing.T, f *fixture) {
	f.collection("notes")
	out := f.put(Doc("notes", "a", "One."))
	id := out.Document.ID
	d, err := f.SetAccess(f.ctx, id, []string{"user:a"}, out.Document.Seq)
	f.must(err)
	if d.Seq <= out.Seq || !cmp.Equal(d.Access, []string{"user:a"}) {
		t.Errorf("set access: %+v", d)
	}
	_, err = f.SetAccess(f.ctx, id, []string{"user:b"}, out.Document.Seq)
	f.code(err, rag.CodePrecondition)
	_, err = f.SetAccess(f.ctx, "nobody", nil, 0)
	f.code(err, rag.CodeNotFound)
	_, err = f.SetAccess(f.ctx, id, make([]string, 1001), 0)
	f.code(err, rag.CodeInvalid)
	head, err := f.Head(f.ctx)
	f.must(err)
	if same, err := f.SetAccess(f.ctx, id, []string{"user:a", "user:a"}, 0); err != nil || same.Seq != d.Seq {
		t.Errorf("the same list again: %+v, %v", same, err)
	}
	if now, _ := f.Head(f.ctx); now != head {
		t.Error("the same list again moved the log")
	}
}

// testScope holds every read against documents that only some scopes see, and
// again after their access lists changed.
func testScope(t *testing.T, f *fixture) {
	f.collection("notes")
	ids := map[string]string{}
	for uri, access := range map[string][]string{
		"open": nil, "a": {"user:a"}, "ab": {"user:a", "user:b"}, "nobody": {},
	} {
		p := Doc("notes", uri, "Text of "+uri+".")
		p.Document.Access = access
		ids[uri] = f.put(p).Document.ID
	}
	signedIn := func(labels ...string) rag.Scope { return rag.LabelScope(append(labels, rag.Everyone)) }
	see := func(s rag.Scope, uris ...string) {
		t.Helper()
		f.sees(s, ids, uris)
	}
	for range 2 { // the second time from caches
		see(all, "open", "a", "ab", "nobody")
		see(rag.Scope{})
		see(signedIn(), "open")
		see(signedIn("user:a"), "open", "a", "ab")
		see(signedIn("user:b"), "open", "ab")
		see(rag.LabelScope([]string{"user:b"}), "ab")
		see(signedIn("user:c", "group:x"), "open")
	}
	_, err := f.SetAccess(f.ctx, ids["a"], []string{"user:b"}, 0)
	f.must(err)
	_, err = f.SetAccess(f.ctx, ids["open"], []string{}, 0)
	f.must(err)
	see(signedIn("user:a"), "ab")
	see(signedIn("user:b"), "a", "ab")
	see(all, "open", "a", "ab", "nobody")
}

// sees asserts that a scope sees exactly these of the documents, in all reads.
func (f *fixture) sees(s rag.Scope, ids map[string]string, uris []string) {
	f.t.Helper()
	visible := map[string]bool{}
	for _, uri := range uris {
		visible[uri] = true
	}
	for uri, id := range ids {
		want := rag.CodeNotFound
		if visible[uri] {
			want = ""
		}
		_, err := f.Document(f.ctx, s, id, 0)
		f.code(err, want)
		_, err = f.Document(f.ctx, s, id, 1)
		f.code(err, want)
		_, err = f.Versions(f.ctx, s, id)
		f.code(err, want)
		_, err = f.Text(f.ctx, s, id, 0)
		f.code(err, want)
		_, err = f.Source(f.ctx, s, id, 0)
		f.code(err, want)
		_, err = f.DocumentChunks(f.ctx, s, id, 1)
		f.code(err, want)
		chunks, err := f.Chunks(f.ctx, s, []rag.ChunkKey{{DocumentID: id, Version: 1}})
		f.must(err)
		if got := chunks[0].Document.ID != ""; got != visible[uri] {
			f.t.Fatalf("chunk of %s visible: %v, want %v", uri, got, visible[uri])
		}
	}
	if s.Empty() {
		_, err := f.ListDocuments(f.ctx, s, rag.DocumentList{Collection: "notes"})
		f.code(err, rag.CodeNotFound)
		_, err = f.CountCollection(f.ctx, s, "notes")
		f.code(err, rag.CodeNotFound)
		return
	}
	list, err := f.ListDocuments(f.ctx, s, rag.DocumentList{Collection: "notes"})
	f.must(err)
	for _, d := range list {
		if !visible[d.URI] {
			f.t.Fatalf("listed %s", d.URI)
		}
	}
	n, err := f.CountCollection(f.ctx, s, "notes")
	f.must(err)
	if len(list) != len(uris) || n.Documents != int64(len(uris)) || n.Chunks != int64(len(uris)) {
		f.t.Fatalf("listed %d and counted %+v, want %d", len(list), n, len(uris))
	}
}
