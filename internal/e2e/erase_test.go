package e2e

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/client"
	"github.com/quarry-search/quarry/internal/app"
	"github.com/quarry-search/quarry/internal/catalog/sqlite"
	"github.com/quarry-search/quarry/internal/config"
	"github.com/quarry-search/quarry/internal/policy"
	"github.com/quarry-search/quarry/internal/rag"
)

// marks are byte strings that must not be in any file, by what they are.
type marks map[string][]byte

// markOf is a word that no other text holds and that compression leaves as it
// is; front coding cuts off at most what words before it share, so its tail is
// looked for.
func markOf(name string) string { return "zq" + name + "qzxjkvwqpzz" }

// find returns in which files of a directory which marks stand.
func (m marks) find(t *testing.T, dir string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return gone(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return gone(err)
		}
		for name, mark := range m {
			if bytes.Contains(b, mark) {
				found = append(found, name+" in "+d.Name())
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// gone passes over a file that the server removed meanwhile.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// tail is what of a marked word stands in a dictionary whatever is before it.
func tail(word string) []byte { return []byte(word[len(word)-12:]) }

// erasable writes a collection of given vectors in which one document is
// replaced and deleted, and returns its id and what must go with it.
func erasable(t *testing.T, s *server) (id string, gone marks) {
	t.Helper()
	_, err := s.CreateCollection(t.Context(), api.CreateCollection{Name: "birds", Settings: &api.Settings{
		Vectors: &api.VectorSettings{Source: "given", Metric: "l2", Dimension: 4}}})
	if err != nil {
		t.Fatal(err)
	}
	s.collection(t, "docs")
	for i := range 40 {
		s.put(t, "docs", fmt.Sprintf("other:%d", i), fmt.Sprintf("# Other %d\n\nWhat stays is number %d.\n", i, i))
	}
	gone = marks{}
	put := func(n int) api.PutResult {
		word := func(field string) string {
			w := markOf(fmt.Sprint(field, n))
			gone[w] = tail(w)
			return w
		}
		text := fmt.Sprintf("# %s\n\n%s %s.\n\n%s\n", word("heading"), word("body"), word("more"), strings.Repeat("Padding that compresses. ", 20))
		r, err := s.PutDocument(t.Context(), "docs", api.PutDocument{URI: "secret-" + markOf("uri") + ".md", Text: &text, Title: word("title"),
			MediaType: "text/markdown", Attributes: map[string]any{"owner": word("attribute")}})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := put(1)
	put(2)
	s.waitFor(t, put(3).Seq)
	if err := s.app.WaitVectors(t.Context()); err != nil {
		t.Fatal(err)
	}
	gone["uri"] = []byte(markOf("uri"))
	return first.ID, gone
}

// traces adds what the catalog of a stopped server holds of the versions of a
// document that is not readable as words: compressed texts, vectors, hashes.
func (m marks) traces(t *testing.T, data, id string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(data, sqlite.FileName))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`WITH k AS (SELECT v.number, v.text_blob, k.text FROM documents d JOIN versions v ON v.document = d.num
			JOIN chunks k ON k.version = v.vid WHERE d.id = ?)
		SELECT DISTINCT 'blob of version ' || number, substr(data, length(data) - 32, 30) FROM k JOIN blobs b ON b.id = k.text_blob
		UNION SELECT 'hash of version ' || number, hash FROM k JOIN texts t ON t.id = k.text
		UNION SELECT 'vector of version ' || number, substr(vector, 1, 32) FROM k JOIN embeddings e ON e.key & 0xffffffffff = k.text`, id)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var mark []byte
		if err := rows.Scan(&name, &mark); err != nil {
			t.Fatal(err)
		}
		m[name] = mark
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// eraseRows erases a document from the catalog of a stopped server and leaves
// its files as they are.
func eraseRows(t *testing.T, data, id string) {
	t.Helper()
	c, err := sqlite.Open(data, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.EraseVersions(t.Context(), policy.Scope(rag.Principal{Subject: "local", Roles: []rag.Role{rag.RoleAdmin}}), id, true, 0); err != nil {
		t.Fatal(err)
	}
}

// TestErasedContentIsInNoFile writes a document, replaces it, deletes it and
// erases it, and then looks for it in every byte of the data directory: while
// the server runs, and after it stopped; by the API, and by an operator whose
// server is stopped.
func TestErasedContentIsInNoFile(t *testing.T) {
	for _, way := range []string{"while it runs", "by the operator"} {
		t.Run(way, func(t *testing.T) {
			c := configOf(t.TempDir())
			c.Retention = time.Hour
			s := keeping(t, c)
			id, gone := erasable(t, s)
			if _, err := s.DeleteDocument(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			s.stop() // writes the index
			gone.traces(t, c.Data, id)
			for name, mark := range gone {
				if len(marks{name: mark}.find(t, c.Data)) == 0 {
					t.Fatalf("there is no %s before: the test looks for the wrong bytes", name)
				}
			}
			if way == "by the operator" {
				if _, _, err := app.Compact(t.Context(), c, id); err != nil {
					t.Fatal(err)
				}
				s = keeping(t, c)
			} else {
				s = keeping(t, c)
				out, err := s.PurgeDocument(t.Context(), id)
				if err != nil || out.Erased != 3 {
					t.Fatalf("erased %+v, %v", out, err)
				}
			}
			if found := gone.find(t, c.Data); len(found) > 0 {
				t.Errorf("after it was erased: %q", found)
			}
			if _, err := s.Document(t.Context(), id, 1); client.Code(err) != "not_found" {
				t.Errorf("version 1: %v", err)
			}
			s.stop()
			if found := gone.find(t, c.Data); len(found) > 0 {
				t.Errorf("after the server stopped: %q", found)
			}
			report, err := app.Fsck(t.Context(), c, false)
			if err != nil || len(report.Problems) > 0 {
				t.Errorf("fsck: %+v, %v", report.Problems, err)
			}
		})
	}
}

// TestFormerVersionsAreErased leaves the present version of a document, whose
// former ones are erased, and what it shares with them.
func TestFormerVersionsAreErased(t *testing.T) {
	c := configOf(t.TempDir())
	c.Retention = time.Hour
	s := keeping(t, c)
	id, gone := erasable(t, s)
	s.stop()
	gone.traces(t, c.Data, id)
	s = keeping(t, c)
	for name := range gone {
		if strings.Contains(name, "3") || name == "uri" {
			delete(gone, name) // of the present version
		}
	}
	versions, err := s.DocumentVersions(t.Context(), id, client.List{})
	if err != nil || len(versions.Data) != 3 {
		t.Fatal(versions, err)
	}
	out, err := s.EraseVersions(t.Context(), id)
	if err != nil || out.Erased != 2 {
		t.Fatalf("erased %+v, %v", out, err)
	}
	if found := gone.find(t, c.Data); len(found) > 0 {
		t.Errorf("found %q", found)
	}
	if got := s.uris(t, api.SearchRequest{Query: markOf("body3"), Collections: []string{"docs"}, Mode: "lexical"}); len(got) != 1 {
		t.Errorf("the present version is found as %q", got)
	}
	r, err := s.Search(t.Context(), api.SearchRequest{Query: "padding", Collections: []string{"docs"}, Mode: "lexical", AsOf: fmt.Sprint(versions.Data[2].Seq)})
	if err != nil || len(r.Hits) != 0 {
		t.Errorf("as of version 1: %+v, %v", r.Hits, err)
	}
	if again, err := s.EraseVersions(t.Context(), id); err != nil || again.Erased != 0 {
		t.Errorf("once more: %+v, %v", again, err)
	}
}

// TestErasureOutlivesAStop has the catalog forget versions while nobody can
// rewrite the files: the next start does.
func TestErasureOutlivesAStop(t *testing.T) {
	c := configOf(t.TempDir())
	c.Retention = time.Hour
	s := keeping(t, c)
	id, gone := erasable(t, s)
	s.stop()
	gone.traces(t, c.Data, id)
	eraseRows(t, c.Data, id)
	if found := gone.find(t, c.Data); len(found) == 0 {
		t.Fatal("there is nothing left to do")
	}
	s = keeping(t, c)
	s.until(t, "nothing is found", func() bool { return len(gone.find(t, c.Data)) == 0 })
}

// TestGivenVectorsAreErased looks for the bytes of vectors, in the catalog and,
// coded as they are there, in the index.
func TestGivenVectorsAreErased(t *testing.T) {
	c := configOf(t.TempDir())
	s := keeping(t, c)
	_, _ = erasable(t, s)
	v := []float32{0.12345678, -0.87654321, 0.5123987, 0.0271828}
	var raw []byte
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
	}
	r, err := s.PutDocument(t.Context(), "birds", api.PutDocument{URI: "heron", Chunks: []api.PutChunk{{Text: "The heron stands.", Vector: v}}})
	if err != nil {
		t.Fatal(err)
	}
	s.waitFor(t, r.Seq)
	s.stop()
	gone := marks{"vector": raw}
	if found := gone.find(t, c.Data); len(found) < 2 {
		t.Fatalf("the vector stands in %q only", found)
	}
	s = keeping(t, c)
	if _, err := s.PurgeDocument(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if found := gone.find(t, c.Data); len(found) > 0 {
		t.Errorf("found %q", found)
	}
}

// keeping starts a server by c.
func keeping(t *testing.T, c config.Config) *server {
	t.Helper()
	return startWith(t, c, app.Options{Logger: slog.New(slog.NewTextHandler(testWriter{t}, nil))})
}
