package sqlite

import (
	"database/sql"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/quarry-search/quarry/internal/catalog/catalogtest"
	"github.com/quarry-search/quarry/internal/rag"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if *crashDir != "" {
		publishUntilKilled(*crashDir)
		return
	}
	goleak.VerifyTestMain(m)
}

func openTest(t *testing.T, dir string) *Catalog {
	t.Helper()
	c, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConformance(t *testing.T) {
	catalogtest.Run(t, func(t *testing.T) rag.Catalog { return openTest(t, t.TempDir()) })
}

func TestConformanceReopen(t *testing.T) {
	catalogtest.RunReopen(t, func(t *testing.T) func() rag.Catalog {
		dir := t.TempDir()
		return func() rag.Catalog { return openTest(t, dir) }
	})
}

// With one reader and no caches to speak of, everything must still agree.
func TestConformanceSmall(t *testing.T) {
	catalogtest.Run(t, func(t *testing.T) rag.Catalog {
		c, err := Open(t.TempDir(), Options{Readers: 1, TextCacheBytes: 1, ChunkCache: 1})
		if err != nil {
			t.Fatal(err)
		}
		return c
	})
}

func TestOpenRefusesForeignFiles(t *testing.T) {
	write := func(t *testing.T, content string) string {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, FileName), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	statement := func(t *testing.T, sql string) string {
		dir := t.TempDir()
		c := openTest(t, dir)
		if _, err := c.writer.conn.raw.ExecContext(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	for name, c := range map[string]struct{ dir, want string }{
		"not a database": {write(t, strings.Repeat("something else ", 1000)), "is not a Quarry catalog"},
		"foreign":        {statement(t, "PRAGMA application_id=7"), "not a Quarry catalog"},
		"newer":          {statement(t, "PRAGMA user_version=99"), "newer Quarry"},
		"no directory":   {filepath.Join(t.TempDir(), "none"), "cannot be read"},
	} {
		before, _ := os.ReadFile(filepath.Join(c.dir, FileName))
		_, err := Open(c.dir, Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q in it", name, err, c.want)
		}
		after, _ := os.ReadFile(filepath.Join(c.dir, FileName))
		if string(before) != string(after) {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

func TestOpenAwkwardDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b?c#d%41")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Skip("the file system does not allow this name")
	}
	if err := openTest(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, FileName)); err != nil {
		t.Error(err)
	}
}

func TestDiskFull(t *testing.T) {
	c := openTest(t, t.TempDir())
	defer c.Close()
	if _, err := c.CreateCollection(t.Context(), rag.Collection{Name: "notes"}); err != nil {
		t.Fatal(err)
	}
	w := c.writer.conn.raw
	if _, err := w.ExecContext(t.Context(), "PRAGMA max_page_count=64"); err != nil {
		t.Fatal(err)
	}
	p := catalogtest.Doc("notes", "big", "Text.")
	p.Source = []byte(noise(1 << 20))
	_, err := c.Publish(t.Context(), p)
	if rag.CodeOf(err) != rag.CodeUnavailable || !strings.Contains(err.Error(), "disk full") {
		t.Fatalf("got %v", err)
	}
	if _, err := w.ExecContext(t.Context(), "PRAGMA max_page_count=1000000"); err != nil {
		t.Fatal(err)
	}
	out, err := c.Publish(t.Context(), p)
	if err != nil || out.Result != rag.Indexed || out.Document.Version.Number != 1 || out.Seq != 2 {
		t.Errorf("with space again: %+v, %v", out, err)
	}
}

// noise returns n bytes that do not compress.
func noise(n int) string {
	var b strings.Builder
	for h := rag.HashBytes([]byte("noise")); b.Len() < n; h = rag.HashBytes(h[:]) {
		b.Write(h[:])
	}
	return b.String()[:n]
}

// TestMigrateFormat1 opens a catalog of format 1, which had no identity.
func TestMigrateFormat1(t *testing.T) {
	dir := t.TempDir()
	db, err := sql.Open("sqlite", filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("%s\nPRAGMA application_id=%d;\nPRAGMA user_version=1;", schema1, applicationID)
	if _, err := db.ExecContext(t.Context(), script); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	c := openTest(t, dir)
	id := c.ID()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	again, other := openTest(t, dir), openTest(t, t.TempDir())
	defer again.Close()
	defer other.Close()
	if len(id) != 32 || again.ID() != id || other.ID() == id {
		t.Errorf("identities %q, after reopening %q, of another catalog %q", id, again.ID(), other.ID())
	}
}
