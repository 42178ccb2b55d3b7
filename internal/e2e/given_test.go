package e2e

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/client"
)

// postRaw sends a body as it stands, and returns the status and what came back.
func (s *server) postRaw(t *testing.T, path, body string) (int, string) {
	t.Helper()
	res, err := http.Post(s.app.URL()+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func (s *server) own(t *testing.T, name, metric string, dim int) {
	t.Helper()
	in := api.CreateCollection{Name: name, Settings: &api.Settings{Vectors: &api.VectorSettings{Source: "given", Metric: metric, Dimension: dim}}}
	if _, err := s.CreateCollection(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

// TestGivenVectors puts chunks with vectors of the caller's, one by one and in
// a batch, searches by them and by words, and does so again after a restart
// with and without the index on disk.
func TestGivenVectors(t *testing.T) {
	data := t.TempDir()
	s := start(t, data)
	s.own(t, "own", "l2", 3)
	s.collection(t, "docs")
	s.put(t, "docs", "notes/plain.md", "# Plain\n\nA document of words alone.")

	put := api.PutDocument{URI: "a", Chunks: []api.PutChunk{
		{Text: "the heron stands", Vector: api.Vector{1, 0, 0}}, {Text: "the heron flies", Vector: api.Vector{0, 30, 0}}, {Text: "words alone"},
	}}
	first, err := s.PutDocument(t.Context(), "own", put)
	if err != nil || first.Result != "indexed" || first.Chunks != 3 {
		t.Fatalf("%+v, %v", first, err)
	}
	again, err := s.PutDocument(t.Context(), "own", put)
	if err != nil || again.Result != "unchanged" {
		t.Fatalf("%+v, %v", again, err)
	}
	batch := `{"uri":"b","chunks":[{"text":"an otter","vector":[0,0,5]}]}
{"uri":"c","chunks":[{"text":"a wren","vector":[0,0]}]}
{"uri":"d","chunks":[{"text":"a wren","vector":[1e39,0,0]}]}
`
	res, err := http.Post(s.app.URL()+"/v1/collections/own/batch", "application/x-ndjson", strings.NewReader(batch))
	if err != nil {
		t.Fatal(err)
	}
	lines, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil || !strings.Contains(string(lines), `"uri":"b","result":"indexed"`) ||
		!strings.Contains(string(lines), "/chunks/0/vector: has 2 components; the collection's vectors have 3") ||
		!strings.Contains(string(lines), "/chunks/0/vector/0: is not a finite number") {
		t.Fatalf("the batch answered %s, %v", lines, err)
	}

	find := func(s *server) {
		t.Helper()
		near := api.SearchRequest{Vector: api.Vector{0, 29, 0}, Collections: []string{"own"}, Mode: "dense", TopK: 2, Explain: true, Wait: "vectors", WaitMS: 20000}
		r, err := s.Search(t.Context(), near)
		if err != nil || len(r.Hits) != 2 || r.Hits[0].Quote != "the heron flies" || r.Hits[0].Explain.Dense.Score != -1 {
			t.Fatalf("by vector: %+v, %v", r, err)
		}
		r, err = s.Search(t.Context(), api.SearchRequest{Query: "alone", Vector: api.Vector{0, 0, 5}, Collections: []string{"own"}})
		if err != nil || len(r.Hits) < 2 || r.Mode != "hybrid" || len(r.Degraded) != 0 {
			t.Fatalf("by both: %+v, %v", r, err)
		}
		r, err = s.Search(t.Context(), api.SearchRequest{Query: "words alone", Collections: []string{"own"}})
		if err != nil || len(r.Hits) != 1 || r.Mode != "lexical" || !slices.Equal(r.Degraded, []string{"dense"}) {
			t.Fatalf("by words: %+v, %v", r, err)
		}
		if got := s.uris(t, api.SearchRequest{Query: "words alone", WaitMS: 20000, Wait: "vectors"}); len(got) != 2 {
			t.Fatalf("in all collections: %v", got)
		}
	}
	find(s)
	stats, err := s.CollectionStats(t.Context(), "own")
	if err != nil || stats.Chunks != 4 || stats.Embedded != 3 || stats.Index.Vectors != 3 {
		t.Errorf("stats %+v, %v", stats, err)
	}
	s.stop()
	if report := fsck(t, data, false); len(report.Problems) != 0 {
		t.Errorf("fsck: %+v", report.Problems)
	}
	s = start(t, data)
	find(s)
	s.stop()
	if err := os.RemoveAll(filepath.Join(data, "index")); err != nil {
		t.Fatal(err)
	}
	find(start(t, data))
}

// TestGivenVectorsRefused: each fault is named with its place, and nothing of
// the document is stored.
func TestGivenVectorsRefused(t *testing.T) {
	s := start(t, t.TempDir())
	s.own(t, "own", "cosine", 3)
	s.own(t, "dots", "dot", 3)
	s.collection(t, "docs")
	s.collection(t, "read")
	s.put(t, "read", "a", "# A text\n\nof some words")
	s.uris(t, api.SearchRequest{Query: "text", Wait: "vectors", WaitMS: 20000})
	documents := func(collection string) string { return "/v1/collections/" + collection + "/documents" }
	chunk := func(vector string) string {
		return `{"uri":"x","chunks":[{"text":"good","vector":[1,2,3]},{"text":"bad","vector":` + vector + `}]}`
	}
	for _, bad := range []struct{ path, body, pointer, words string }{
		{documents("own"), chunk(`[1,2]`), "/chunks/1/vector", "has 2 components; the collection's vectors have 3"},
		{documents("own"), chunk(`[]`), "/chunks/1/vector", "has 0 components"},
		{documents("own"), chunk(`[1,2,3,4]`), "/chunks/1/vector", "has 4 components"},
		{documents("own"), chunk(`[0,0,0]`), "/chunks/1/vector", "has the length zero"},
		{documents("own"), chunk(`[0,1e39,0]`), "/chunks/1/vector/1", "is not a finite number"},
		{documents("own"), chunk(`[0,null,0]`), "/chunks/1/vector/1", "is not a finite number"},
		{documents("dots"), chunk(`[3e30,0,0]`), "/chunks/1/vector", "is longer than"},
		{documents("own"), chunk(`"abc"`), "/chunks/vector", "expected a list"},
		{documents("own"), chunk(`{"a":1}`), "/chunks/vector", "expected a list"},
		{documents("own"), `{"uri":"x","chunks":[]}`, "/chunks", "has 0 chunks"},
		{documents("own"), `{"uri":"x","chunks":[{"text":" \n"}]}`, "/chunks/0/text", "holds no text"},
		{documents("own"), `{"uri":"x","text":"a","chunks":[{"text":"b"}]}`, "/text", "exactly one"},
		{documents("own"), `{"uri":"x","media_type":"text/html","chunks":[{"text":"b"}]}`, "/media_type", "leave it out"},
		{documents("own"), `{"uri":"x","chunks":[{"text":"b","vectr":[1]}]}`, "", "unexpected property"},
		{documents("docs"), chunk(`[1,2,3]`), "/chunks/0/vector", "the server computes the vectors"},
		{"/v1/search", `{"vector":[1,2],"collections":["own"]}`, "/vector", "has 2 components"},
		{"/v1/search", `{"vector":[0,0,0],"collections":["own"]}`, "/vector", "has the length zero"},
		{"/v1/search", `{"vector":[1,1e39,0],"collections":["own"]}`, "/vector/1", "is not a finite number"},
		{"/v1/search", `{"vector":"no","collections":["own"]}`, "/vector", "array"},
		{"/v1/search", `{"query":"words","mode":"dense","collections":["own"]}`, "/vector", "give the query's"},
		{"/v1/search", `{"vector":[1,2,3],"mode":"lexical","collections":["own"]}`, "/query", "needs a query"},
		{"/v1/search", `{"vector":[1,2,3],"rerank":"sentences","collections":["own"]}`, "/rerank", "needs a query"},
		{"/v1/search", `{"vector":[1,2,3],"collections":["read"]}`, "/vector", "it has 3 components"},
		{"/v1/answers", `{"vector":[1,2,3],"collections":["own"]}`, "/query", "must hold more than white space"},
		{"/v1/search", `{"vector":[1,2,3],"sort":[{"field":"uri"}],"collections":["own"]}`, "/sort", "leave one of them out"},
		{"/v1/collections", `{"name":"n","settings":{"vectors":{"source":"given"}}}`, "/settings/vectors/dimension", "must be between 1 and 4096"},
		{"/v1/collections", `{"name":"n","settings":{"vectors":{"source":"given","dimension":4097}}}`, "/settings/vectors/dimension", "4096"},
		{"/v1/collections", `{"name":"n","settings":{"vectors":{"metric":"hamming"}}}`, "/settings/vectors/metric", "cosine"},
		{"/v1/collections", `{"name":"n","settings":{"vectors":{"dimension":3}}}`, "/settings/vectors/dimension", "leave it out"},
	} {
		status, body := s.postRaw(t, bad.path, bad.body)
		var p api.Problem
		if err := json.Unmarshal([]byte(body), &p); err != nil || status < 400 || status >= 500 || len(p.Errors) == 0 {
			t.Errorf("%s %s: %d %s", bad.path, bad.body, status, body)
			continue
		}
		if bad.pointer != "" && p.Errors[0].Pointer != bad.pointer || !strings.Contains(body, bad.words) {
			t.Errorf("%s %s: %s", bad.path, bad.body, body)
		}
	}
	for _, name := range []string{"own", "dots", "docs"} {
		if page, err := s.Documents(t.Context(), name, "", client.List{}); err != nil || len(page.Data) != 0 {
			t.Errorf("collection %s holds %+v, %v", name, page.Data, err)
		}
	}
	// Only the path can be altered.
	c, err := s.AlterCollection(t.Context(), "own", api.AlterCollection{Settings: &api.Settings{Vectors: &api.VectorSettings{Path: "exact"}}})
	if err != nil || *c.Settings.Vectors != (api.VectorSettings{Source: "given", Metric: "cosine", Dimension: 3, Path: "exact"}) {
		t.Errorf("altered to %+v, %v", c.Settings.Vectors, err)
	}
	_, err = s.AlterCollection(t.Context(), "own", api.AlterCollection{Settings: &api.Settings{Vectors: &api.VectorSettings{Metric: "dot"}}})
	var p *api.Problem
	if !errors.As(err, &p) || len(p.Errors) == 0 || p.Errors[0].Pointer != "/settings/vectors/metric" {
		t.Errorf("another metric: %v", err)
	}
}
