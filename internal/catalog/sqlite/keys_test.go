package sqlite

import (
	"testing"
	"time"

	"github.com/quarry-search/quarry/internal/rag"
)

func TestKeysExpire(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	dir := t.TempDir()
	open := func() *Catalog {
		c, err := Open(dir, Options{Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := open()
	claim := func(key string, want bool) {
		t.Helper()
		if _, ok, err := c.BeginKey(t.Context(), key, rag.Hash{1}); err != nil || ok != want {
			t.Errorf("claim of %q: %v, %v; want %v", key, ok, err, want)
		}
	}
	claim("stored", true)
	if err := c.EndKey(t.Context(), "stored", 200, nil); err != nil {
		t.Fatal(err)
	}
	claim("abandoned", true)
	claim("abandoned", false)
	now = now.Add(23 * time.Hour)
	claim("stored", false)

	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = open()
	defer c.Close()
	claim("abandoned", true) // its request died with the process
	claim("stored", false)
	now = now.Add(2 * time.Hour)
	claim("stored", true)
}
