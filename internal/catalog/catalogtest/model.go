package catalogtest

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quarry-search/quarry/internal/rag"
)

// model is what a catalog must hold after a run of changes: by uri, the text
// and access list of each current document.
type model struct {
	texts   map[string]string
	access  map[string][]string
	numbers map[string]int // last version number, of deleted ones as well
}

// testModel runs random changes against the catalog and a model, and compares
// both with each other and with what a follower makes of the log.
func testModel(t *testing.T, f *fixture) {
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		name := fmt.Sprintf("run%d", run)
		f.collection(name)
		start, err := f.Head(f.ctx)
		f.must(err)
		m := model{map[string]string{}, map[string][]string{}, map[string]int{}}
		uri := rapid.SampledFrom([]string{"a", "b", "c", "d"})
		word := rapid.SampledFrom([]string{"one", "zwölf", "three\n\nthree", "four\n\nfive\n\nsix", ""})
		labels := rapid.SampledFrom([][]string{{"*"}, {"user:a"}, {"user:a", "user:b"}, {}})
		for range rapid.IntRange(1, 20).Draw(rt, "changes") {
			u := uri.Draw(rt, "uri")
			switch rapid.IntRange(0, 5).Draw(rt, "change") {
			default:
				f.modelPublish(rt, m, name, u, word.Draw(rt, "text"))
			case 0:
				_, err := f.DeleteDocument(f.ctx, all, rag.DocumentID(name, u), 0)
				if _, there := m.texts[u]; there != (err == nil) {
					rt.Fatalf("delete %s: %v", u, err)
				}
				delete(m.texts, u)
			case 1:
				list := labels.Draw(rt, "labels")
				_, err := f.SetAccess(f.ctx, rag.DocumentID(name, u), list, 0)
				if _, there := m.texts[u]; there != (err == nil) {
					rt.Fatalf("set access of %s: %v", u, err)
				}
				if err == nil {
					m.access[u] = list
				}
			}
		}
		f.modelCompare(rt, m, name, start)
	})
}

func (f *fixture) modelPublish(rt *rapid.T, m model, name, uri, text string) {
	out, err := f.Publish(f.ctx, Doc(name, uri, text))
	if err != nil {
		rt.Fatal(err)
	}
	want := rag.Indexed
	if old, there := m.texts[uri]; there && old == text {
		want = rag.Unchanged
	} else {
		m.numbers[uri]++
	}
	if m.access[uri] == nil {
		m.access[uri] = []string{rag.Everyone}
	}
	m.texts[uri] = text
	if out.Result != want || out.Document.Version.Number != m.numbers[uri] || !cmp.Equal(out.Document.Access, m.access[uri]) {
		rt.Fatalf("published %s as %+v, want %s at version %d for %v", uri, out, want, m.numbers[uri], m.access[uri])
	}
}

// modelCompare reads the catalog in every way there is.
func (f *fixture) modelCompare(rt *rapid.T, m model, name string, start uint64) {
	followed, access := map[string]string{}, map[string][]string{}
	ids := map[string]string{}
	for _, ch := range f.changes(start) {
		switch {
		case ch.Kind == rag.ChangePublished && !ch.Superseded:
			text := ""
			for _, k := range ch.Chunks {
				text += k.Text
			}
			ids[ch.Document.ID] = ch.Document.URI
			followed[ch.Document.URI], access[ch.Document.URI] = text, ch.Document.Access
		case ch.Kind == rag.ChangeGone:
			delete(followed, ch.Document.URI)
		case ch.Kind == rag.ChangeAccess && ids[ch.Document.ID] != "":
			access[ids[ch.Document.ID]] = ch.Document.Access
		}
	}
	if diff := cmp.Diff(m.texts, followed); diff != "" {
		rt.Fatalf("a follower of the log sees (-want +got):\n%s", diff)
	}
	listed := map[string]string{}
	list, err := f.ListDocuments(f.ctx, all, rag.DocumentList{Collection: name})
	if err != nil {
		rt.Fatal(err)
	}
	for _, d := range list {
		text, err := f.Text(f.ctx, all, d.ID, 0)
		if err != nil {
			rt.Fatal(err)
		}
		listed[d.URI] = text
		if !cmp.Equal(d.Access, m.access[d.URI]) || !cmp.Equal(access[d.URI], m.access[d.URI]) {
			rt.Fatalf("%s is for %v, and for %v by the log; want %v", d.URI, d.Access, access[d.URI], m.access[d.URI])
		}
	}
	if diff := cmp.Diff(m.texts, listed); diff != "" {
		rt.Fatalf("lists and texts (-want +got):\n%s", diff)
	}
	for _, label := range []string{"user:a", "user:b", rag.Everyone} {
		want := 0
		for _, uri := range slices.Collect(maps.Keys(m.texts)) {
			if slices.Contains(m.access[uri], label) {
				want++
			}
		}
		n, err := f.CountCollection(f.ctx, rag.LabelScope([]string{label}), name)
		if err != nil || n.Documents != int64(want) {
			rt.Fatalf("%s counts %d, %v; want %d", label, n.Documents, err, want)
		}
	}
}
