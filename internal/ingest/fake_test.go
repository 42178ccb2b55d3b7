package ingest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/quarry-search/quarry/internal/catalog/sqlite"
	"github.com/quarry-search/quarry/internal/chunk"
	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	writer = rag.Principal{Subject: "ana", Roles: []rag.Role{rag.RoleAdmin}}
	all    = rag.SystemScope("test")
)

// bench is a real catalog with a parser and a model that tests can upset.
type bench struct {
	*testing.T
	catalog *sqlite.Catalog
	service *Service
	model   *model
	parse   func(rag.Incoming) (rag.Parsed, error)

	mu     sync.Mutex
	events []string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	c, err := sqlite.Open(t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	b := &bench{T: t, catalog: c, model: &model{}, parse: parsePlain}
	if _, err := c.CreateCollection(t.Context(), rag.Collection{Name: "docs", Fingerprint: b.model.Fingerprint()}); err != nil {
		t.Fatal(err)
	}
	b.service = New(Deps{
		Catalog: c,
		Parse:   func(_ context.Context, in rag.Incoming) (rag.Parsed, error) { return b.parse(in) },
		Chunk:   chunk.Options{MaxTokens: 64},
		Events:  b.observe(),
	}, Options{MaxBytes: 1000})
	return b
}

func (b *bench) observe() Events {
	note := func(format string, args ...any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.events = append(b.events, fmt.Sprintf(format, args...))
	}
	return Events{
		Document: func(d DocumentEvent) { note("document %s %s", d.Result, d.Reason) },
		Follower: func(name string, kind FollowerError, err error) { note("%s %s", name, kind) },
		Panic:    func(any) { note("panic") },
		Job:      func(j rag.Job) { note("job %s", j.State) },
	}
}

func (b *bench) saw(event string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Contains(b.events, event)
}

func parsePlain(in rag.Incoming) (rag.Parsed, error) {
	text := string(in.Data)
	if strings.TrimSpace(text) == "" {
		return rag.Parsed{}, rag.Skip(rag.ReasonEmpty, "")
	}
	return rag.Parsed{
		Text: text, Kind: rag.KindText, MediaType: "text/plain", Lines: true,
		Blocks: []rag.Block{{Kind: rag.BlockParagraph, Start: 0, End: len(text)}},
	}, nil
}

func (b *bench) put(uri, text string) rag.Outcome {
	b.Helper()
	out, err := b.service.Put(b.Context(), writer, rag.Incoming{Collection: "docs", URI: uri, Data: []byte(text)})
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// model embeds in two dimensions, and refuses what holds "poison".
type model struct {
	mu     sync.Mutex
	down   bool
	cured  bool
	counts map[string]int // by text
}

func (m *model) Fingerprint() string      { return "fake" }
func (m *model) Name() string             { return "fake" }
func (m *model) Dim() int                 { return 2 }
func (m *model) MaxTokens() int           { return 64 }
func (m *model) CountTokens(s string) int { return len(strings.Fields(s)) }

func (m *model) Embed(ctx context.Context, _ rag.EmbedRole, texts []string) ([][]float32, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return nil, errors.New("the model is down")
	}
	out := make([][]float32, len(texts))
	for i, text := range texts {
		if strings.Contains(text, "poison") && !m.cured {
			return nil, errors.New("cannot embed this")
		}
		out[i] = []float32{1, 0}
	}
	if m.counts == nil {
		m.counts = map[string]int{}
	}
	for _, text := range texts {
		m.counts[text]++
	}
	return out, nil
}

func (m *model) set(change func(*model)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(m)
}

// memory is a source of documents in memory.
type memory struct {
	mu       sync.Mutex
	files    map[string]string
	refusals map[string]error
	listErr  error
	reading  func(item string)
}

func (s *memory) Path() string         { return "/mem" }
func (s *memory) Prefix() string       { return "mem:" }
func (s *memory) Owns(uri string) bool { return strings.HasPrefix(uri, "mem:") }
func (s *memory) Close() error         { return nil }

func (s *memory) List(ctx context.Context, found func(string, error) error) error {
	s.mu.Lock()
	items := map[string]error{}
	for item := range s.files {
		items[item] = nil
	}
	for item, err := range s.refusals {
		items[item] = err
	}
	s.mu.Unlock()
	names := make([]string, 0, len(items))
	for item := range items {
		names = append(names, item)
	}
	slices.Sort(names)
	for _, item := range names {
		if err := found(item, items[item]); err != nil {
			return err
		}
	}
	return s.listErr
}

func (s *memory) Read(ctx context.Context, item string) (rag.Incoming, error) {
	if s.reading != nil {
		s.reading(item)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	text, ok := s.files[item]
	if !ok {
		return rag.Incoming{}, fs.ErrNotExist
	}
	return rag.Incoming{URI: item, Data: []byte(text), Attributes: map[string]filter.Value{"n": filter.NumberOf(1)}}, nil
}
