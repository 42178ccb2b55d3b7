package catalogtest

import (
	"slices"
	"testing"

	"github.com/quarry-search/quarry/internal/rag"
)

// testErase erases former versions of a document that shares texts with
// another, then all of it.
func testErase(t *testing.T, f *fixture) {
	f.collection("notes")
	shared := "Said in both.\n\n"
	first := Doc("notes", "a", shared+"Only once.")
	one := f.put(first)
	other := Doc("notes", "b", shared+"Only once.")
	other.Document.Version.Title, other.Chunks = "b", other.Chunks[:1]
	f.put(other)
	var vectors []rag.Vector
	for i, h := range hashes(first.Chunks) {
		vectors = append(vectors, rag.Vector{TextHash: h, Values: Unit(8, i)})
	}
	_, err := f.PutVectors(f.ctx, "model-a", vectors, "embedder", one.Seq)
	f.must(err)
	id := one.Document.ID
	if out, err := f.EraseVersions(f.ctx, all, id, false, 0); err != nil || out.Versions != 0 || out.Seq != one.Seq {
		t.Errorf("nothing to erase: %+v, %v", out, err)
	}
	job, err := f.CreateJob(f.ctx, rag.Job{Collection: "notes", Source: "batch"})
	f.must(err)
	second := Doc("notes", "a", "Another text.")
	second.Job, second.Item = job.ID, "a"
	two := f.put(second)
	_, err = f.EraseVersions(f.ctx, rag.LabelScope([]string{"user:eve"}), "no such", false, 0)
	f.code(err, rag.CodeNotFound)
	_, err = f.EraseVersions(f.ctx, all, id, false, one.Seq)
	f.code(err, rag.CodePrecondition)

	out, err := f.EraseVersions(f.ctx, all, id, false, two.Document.Seq)
	f.must(err)
	if head, _ := f.Head(f.ctx); out.Versions != 1 || out.Seq != head || out.Collection != "notes" || out.DocumentID != id {
		t.Errorf("erased %+v at head %d", out, head)
	}
	_, err = f.Text(f.ctx, all, id, 1)
	f.code(err, rag.CodeNotFound)
	if text, err := f.Text(f.ctx, all, id, 0); err != nil || text != second.Text {
		t.Errorf("the current version says %q, %v", text, err)
	}
	if source, err := f.Source(f.ctx, all, rag.DocumentID("notes", "b"), 0); err != nil || string(source) != other.Text {
		t.Errorf("the other document says %q, %v", source, err)
	}
	missing, err := f.Missing(f.ctx, "model-a", hashes(first.Chunks))
	f.must(err)
	if want := hashes(first.Chunks)[1:]; !slices.Equal(missing, want) {
		t.Errorf("vectors are missing of %v, want %v", missing, want)
	}
	for _, c := range f.changes(0) {
		if c.Kind == rag.ChangeVectors && !slices.Equal(c.TextHashes, hashes(first.Chunks)[:1]) {
			t.Errorf("the log names %v", c.TextHashes)
		}
		if c.Kind == rag.ChangeErased && (c.Seq != out.Seq || c.Document.ID != id || c.Collection != "notes") {
			t.Errorf("entry %+v", c)
		}
	}
	// A vector that was under way stays away, until the text is there again.
	_, err = f.PutVectors(f.ctx, "model-a", vectors, "embedder", out.Seq)
	f.must(err)
	if missing, err := f.Missing(f.ctx, "model-a", hashes(first.Chunks)); err != nil || len(missing) != 1 {
		t.Errorf("a late vector: missing %v, %v", missing, err)
	}
	f.eraseWhole(id, two)
	f.must(f.Scrub(f.ctx))
	if items, _, err := f.JobItems(f.ctx, job.ID, rag.JobItemList{}); err != nil || len(items) != 1 || items[0].Item == "a" || items[0].DocumentID != id {
		t.Errorf("the job lists %+v, %v", items, err)
	}
	list, err := f.Erasures(f.ctx, out.Seq)
	if f.must(err); len(list) != 1 || list[0].DocumentID != id {
		t.Errorf("erasures %+v", list)
	}

	again := f.put(first)
	if again.Document.Version.Number != 3 {
		t.Errorf("put again it is version %d", again.Document.Version.Number)
	}
	_, err = f.PutVectors(f.ctx, "model-a", vectors, "embedder", again.Seq)
	f.must(err)
	if missing, err := f.Missing(f.ctx, "model-a", hashes(first.Chunks)); err != nil || len(missing) != 0 {
		t.Errorf("put again: missing %v, %v", missing, err)
	}
}

// eraseWhole erases a document that is there, and looks for what is left.
func (f *fixture) eraseWhole(id string, last rag.Published) {
	f.t.Helper()
	_, err := f.SetAccess(f.ctx, id, []string{"user:ana"}, 0)
	f.must(err)
	_, err = f.EraseVersions(f.ctx, rag.LabelScope([]string{"user:eve"}), id, true, 0)
	f.code(err, rag.CodeNotFound)
	before, _ := f.Head(f.ctx)
	out, err := f.EraseVersions(f.ctx, all, id, true, 0)
	f.must(err)
	var kinds []rag.ChangeKind
	for _, c := range f.changes(before) {
		kinds = append(kinds, c.Kind)
		if c.Document.URI != "" {
			f.t.Errorf("the log names the uri %q", c.Document.URI)
		}
	}
	if !slices.Equal(kinds, []rag.ChangeKind{rag.ChangeGone, rag.ChangeErased}) || out.Versions != 1 {
		f.t.Errorf("entries %v, %+v", kinds, out)
	}
	_, err = f.Document(f.ctx, all, id, last.Document.Version.Number)
	f.code(err, rag.CodeNotFound)
	_, err = f.EraseVersions(f.ctx, all, id, true, 0)
	f.code(err, rag.CodeNotFound)
}
