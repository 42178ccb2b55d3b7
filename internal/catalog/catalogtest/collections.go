package catalogtest

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/internal/rag"
)

func testCollections(t *testing.T, f *fixture) {
	weight, retention := 0.25, rag.Retention(time.Hour)
	made, err := f.CreateCollection(f.ctx, rag.Collection{Name: "notes", Description: "Mine", Fingerprint: "m",
		Settings: rag.Settings{DenseWeight: &weight, Retention: &retention}})
	f.must(err)
	if made.Seq == 0 || made.CreatedAt.IsZero() {
		t.Errorf("a new collection has seq %d and time %v", made.Seq, made.CreatedAt)
	}
	got, err := f.Collection(f.ctx, all, "notes")
	f.must(err)
	if diff := cmp.Diff(made, got); diff != "" {
		t.Error(diff)
	}
	_, err = f.CreateCollection(f.ctx, rag.Collection{Name: "notes"})
	f.code(err, rag.CodeConflict)
	for _, name := range []string{"", "Upper", "-x", "a/b", strings.Repeat("a", 64)} {
		_, err = f.CreateCollection(f.ctx, rag.Collection{Name: name})
		f.code(err, rag.CodeInvalid)
	}

	negative := rag.Retention(-1)
	_, err = f.AlterCollection(f.ctx, rag.Collection{Name: "notes", Fingerprint: "m", Settings: rag.Settings{Retention: &negative}}, 0)
	f.code(err, rag.CodeInvalid)
	altered, err := f.AlterCollection(f.ctx, rag.Collection{Name: "notes", Description: "Ours", Fingerprint: "n"}, made.Seq)
	f.must(err)
	if altered.Seq <= made.Seq || altered.Description != "Ours" || altered.Fingerprint != "n" || altered.Settings.DenseWeight != nil || altered.Settings.Retention != nil || !altered.CreatedAt.Equal(made.CreatedAt) {
		t.Errorf("altered to %+v", altered)
	}
	_, err = f.AlterCollection(f.ctx, rag.Collection{Name: "notes"}, made.Seq)
	f.code(err, rag.CodePrecondition)
	_, err = f.AlterCollection(f.ctx, rag.Collection{Name: "none"}, 0)
	f.code(err, rag.CodeNotFound)

	f.collection("archive")
	list, err := f.ListCollections(f.ctx, all)
	f.must(err)
	if len(list) != 2 || list[0].Name != "archive" || list[1].Name != "notes" {
		t.Errorf("listed %+v", list)
	}
	if list, err := f.ListCollections(f.ctx, rag.Scope{}); err != nil || len(list) != 0 {
		t.Errorf("the zero scope listed %v, %v", list, err)
	}
	_, err = f.Collection(f.ctx, rag.Scope{}, "notes")
	f.code(err, rag.CodeNotFound)
	if _, err := f.Collection(f.ctx, rag.LabelScope([]string{"user:x"}), "notes"); err != nil {
		t.Errorf("a collection is visible to any scope that sees something: %v", err)
	}
	changes := f.changes(0)
	if len(changes) != 3 || changes[0].Kind != rag.ChangeCreated || changes[1].Kind != rag.ChangeAltered {
		t.Fatalf("log: %+v", changes)
	}
	if diff := cmp.Diff(made, *changes[0].Settings); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(altered, *changes[1].Settings); diff != "" {
		t.Error(diff)
	}
}

func testDrop(t *testing.T, f *fixture) {
	made := f.collection("notes")
	f.collection("other")
	first := f.put(Doc("notes", "a.txt", "One.\n\nTwo."))
	shared := f.put(Doc("other", "a.txt", "One.\n\nTwo."))
	secret := Doc("notes", "b.txt", "Three.")
	secret.Document.Access = []string{"group:legal"}
	f.put(secret)

	_, err := f.DropCollection(f.ctx, "notes", made.Seq+100)
	f.code(err, rag.CodePrecondition)
	seq, err := f.DropCollection(f.ctx, "notes", made.Seq)
	f.must(err)
	if head, _ := f.Head(f.ctx); seq != head {
		t.Errorf("dropped at %d, head is %d", seq, head)
	}
	_, err = f.DropCollection(f.ctx, "notes", 0)
	f.code(err, rag.CodeNotFound)
	_, err = f.Document(f.ctx, all, first.Document.ID, 0)
	f.code(err, rag.CodeNotFound)
	_, err = f.Document(f.ctx, all, first.Document.ID, 1)
	f.code(err, rag.CodeNotFound)
	if text, err := f.Text(f.ctx, all, shared.Document.ID, 0); err != nil || text != "One.\n\nTwo." {
		t.Errorf("a document elsewhere with the same text: %q, %v", text, err)
	}
	_, err = f.Publish(f.ctx, Doc("notes", "a.txt", "One."))
	f.code(err, rag.CodeNotFound)

	f.collection("notes")
	if n, err := f.CountCollection(f.ctx, all, "notes"); err != nil || n.Documents != 0 {
		t.Errorf("the new collection counts %+v, %v", n, err)
	}
	again := f.put(Doc("notes", "a.txt", "One.\n\nTwo."))
	if again.Result != rag.Indexed || again.Document.ID != first.Document.ID || again.Document.Version.Number <= first.Document.Version.Number {
		t.Errorf("published again as %+v", again)
	}
	_, err = f.Document(f.ctx, all, first.Document.ID, 1)
	f.code(err, rag.CodeNotFound)
	versions, err := f.Versions(f.ctx, all, first.Document.ID)
	f.must(err)
	if len(versions) != 1 {
		t.Errorf("old versions came back: %+v", versions)
	}
	if b := f.put(Doc("notes", "b.txt", "Three.")); !cmp.Equal(b.Document.Access, []string{rag.Everyone}) {
		t.Errorf("nothing of the dropped document remains, its access list neither: %v", b.Document.Access)
	}
	var live []uint64
	for _, ch := range f.changes(0) {
		if ch.Kind == rag.ChangePublished && !ch.Superseded {
			live = append(live, ch.Seq)
		}
	}
	if len(live) != 3 || live[0] != shared.Seq || live[1] != again.Seq {
		t.Errorf("live entries are %v", live)
	}
}
