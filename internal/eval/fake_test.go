package eval

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

// shelf stores documents in memory and finds them by the words they share
// with the query.
type shelf struct {
	mu      sync.Mutex
	created []string
	docs    []rag.Incoming
	waited  uint64
	refuse  string // uri that cannot be parsed
	hide    string // uri that the best hit stands for
	quote   map[string]rag.Answer
}

func (s *shelf) CreateCollection(_ context.Context, c rag.Collection) (rag.Collection, error) {
	if slices.Contains(s.created, c.Name) {
		return c, &rag.Error{Code: rag.CodeConflict}
	}
	s.created = append(s.created, c.Name)
	return c, nil
}

func (s *shelf) Put(_ context.Context, _ rag.Principal, in rag.Incoming) (rag.Outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := rag.Outcome{Result: rag.Indexed, Seq: uint64(len(s.docs) + 1)}
	out.Document.ID = rag.DocumentID(in.Collection, in.URI)
	if in.URI == s.refuse {
		return rag.Outcome{Result: rag.Skipped, Reason: rag.ReasonNoText}, nil
	}
	s.docs = append(s.docs, in)
	slices.SortFunc(s.docs, func(a, b rag.Incoming) int { return strings.Compare(a.URI, b.URI) })
	return out, nil
}

func (s *shelf) WaitVectors(_ context.Context, seq uint64) error {
	s.waited = seq
	return nil
}

func (s *shelf) Search(_ context.Context, _ rag.Principal, q rag.Query) (rag.SearchResult, error) {
	var r rag.SearchResult
	var duplicate []rag.ChunkKey
	for _, d := range s.docs {
		score := 0
		for _, w := range strings.Fields(q.Text) {
			score += strings.Count(string(d.Data), w)
		}
		id := rag.DocumentID(d.Collection, d.URI)
		if score == 0 || !q.Filter.Match(func(k string) (filter.Value, bool) { v, ok := d.Attributes[k]; return v, ok }) {
			continue
		}
		if d.URI == s.hide {
			duplicate = append(duplicate, rag.ChunkKey{DocumentID: id, Version: 1})
			continue
		}
		for ordinal := range 2 { // each document is found by two chunks
			r.Hits = append(r.Hits, rag.Hit{
				Score: float64(score), Document: rag.Document{ID: id, URI: d.URI},
				Chunk: rag.Chunk{Key: rag.ChunkKey{DocumentID: id, Version: 1, Ordinal: ordinal}}, Explain: &rag.Explanation{},
			})
		}
	}
	slices.SortStableFunc(r.Hits, func(a, b rag.Hit) int { return int(b.Score - a.Score) })
	if len(r.Hits) > 0 {
		r.Hits[0].Explain.Duplicates = duplicate
	}
	return r, nil
}

func (s *shelf) Answer(_ context.Context, _ rag.Principal, q rag.Question, _ func(rag.Event) error) (rag.Answer, error) {
	return s.quote[q.Text], nil
}

func (s *shelf) deps() Deps {
	return Deps{Collections: s, Ingest: s, Freshness: s, Search: s, Answer: s}
}

// write makes a set's folder of files given by name.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "stones")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
