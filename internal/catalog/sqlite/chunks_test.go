package sqlite

import (
	"slices"
	"testing"

	"github.com/quarry-search/quarry/internal/catalog/catalogtest"
	"github.com/quarry-search/quarry/internal/rag"
)

// TestTextHashes reads those of the current version, in order, by whoever may
// see the document.
func TestTextHashes(t *testing.T) {
	c, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fill(t, c)
	p := catalogtest.Doc("notes", "a", "One.\n\nTwo.\n\nThree.\n\nFour.")
	out, err := c.Publish(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	id := out.Document.ID
	if _, err := c.SetAccess(t.Context(), id, []string{"user:ana"}, 0); err != nil {
		t.Fatal(err)
	}
	var want []rag.Hash
	for _, k := range p.Chunks {
		want = append(want, k.TextHash)
	}
	for label, want := range map[string][]rag.Hash{"user:ana": want, "user:bo": nil} {
		got, err := c.TextHashes(t.Context(), rag.LabelScope([]string{label}), id)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s reads %v, %v; want %v", label, got, err, want)
		}
	}
	if _, err := c.DropCollection(t.Context(), "notes", 0); err != nil {
		t.Fatal(err)
	}
	if got, err := c.TextHashes(t.Context(), rag.SystemScope("test"), id); err != nil || len(got) > 0 {
		t.Errorf("of a dropped document: %v, %v", got, err)
	}
}
