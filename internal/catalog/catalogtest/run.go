package catalogtest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/quarry-search/quarry/internal/rag"
)

// Run runs the suite. open returns an empty catalog, which the suite closes.
func Run(t *testing.T, open func(t *testing.T) rag.Catalog) {
	groups := []struct {
		name string
		run  func(t *testing.T, f *fixture)
	}{
		{"collections", testCollections},
		{"drop", testDrop},
		{"publish", testPublish},
		{"publish access", testPublishAccess},
		{"publish conditions", testPublishConditions},
		{"publish invalid", testPublishInvalid},
		{"attributes", testAttributes},
		{"delete", testDelete},
		{"erase", testErase},
		{"access", testAccess},
		{"scope", testScope},
		{"list", testList},
		{"chunks", testChunks},
		{"log", testLog},
		{"log superseded", testLogSuperseded},
		{"log batches", testLogBatches},
		{"wait head", testWaitHead},
		{"cursors", testCursors},
		{"embeddings", testEmbeddings},
		{"embeddings many", testEmbeddingsMany},
		{"given vectors", testGiven},
		{"given vectors invalid", testGivenInvalid},
		{"counts", testCounts},
		{"jobs", testJobs},
		{"job items", testJobItems},
		{"job publish", testJobPublish},
		{"keys", testKeys},
		{"concurrent writers", testConcurrentWriters},
		{"canceled", testCanceled},
		{"check", testCheck},
		{"model", testModel},
	}
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			c := open(t)
			t.Cleanup(func() {
				if err := c.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
			f := &fixture{t: t, ctx: t.Context(), Catalog: c}
			g.run(t, f)
			f.clean()
		})
	}
}

// all is the scope of tests that are not about scopes.
var all = rag.SystemScope("catalogtest looks at what it wrote")

// fixture is a catalog with shortcuts that fail the test.
type fixture struct {
	rag.Catalog
	t   *testing.T
	ctx context.Context
}

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// code fails the test unless err has the code.
func (f *fixture) code(err error, want rag.Code) {
	f.t.Helper()
	if got := rag.CodeOf(err); got != want {
		f.t.Fatalf("got error %v with code %q, want code %q", err, got, want)
	}
}

// clean asserts that Check finds nothing.
func (f *fixture) clean() {
	f.t.Helper()
	if f.t.Failed() {
		return
	}
	report, err := f.Check(context.Background(), false)
	f.must(err)
	for _, p := range report.Problems {
		f.t.Errorf("check: %+v", p)
	}
}

func (f *fixture) collection(name string) rag.Collection {
	f.t.Helper()
	c, err := f.CreateCollection(f.ctx, rag.Collection{Name: name, Fingerprint: "model-a"})
	f.must(err)
	return c
}

func (f *fixture) put(p rag.Publication) rag.Published {
	f.t.Helper()
	out, err := f.Publish(f.ctx, p)
	f.must(err)
	return out
}

// changes reads the whole log after a seq.
func (f *fixture) changes(after uint64) (out []rag.Change) {
	f.t.Helper()
	for {
		batch, err := f.Changes(f.ctx, after, 7)
		f.must(err)
		if len(batch) == 0 {
			return out
		}
		for _, ch := range batch {
			if ch.Seq <= after {
				f.t.Fatalf("seq %d after %d: the log must rise strictly", ch.Seq, after)
			}
			after = ch.Seq
		}
		out = append(out, batch...)
	}
}

// Doc makes a publication of text in collection: one chunk per paragraph, the
// first line as its title.
func Doc(collection, uri, text string) rag.Publication {
	p := rag.Publication{
		Document: rag.Document{Collection: collection, URI: uri},
		Source:   []byte(text),
		Text:     text,
	}
	title, _, _ := strings.Cut(text, "\n")
	p.Document.Version = rag.Version{Title: title, Kind: rag.KindText, MediaType: "text/plain", Language: "en",
		ModifiedAt: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)}
	start := 0
	for _, part := range strings.SplitAfter(text, "\n\n") {
		if part == "" {
			continue
		}
		end := start + len(part)
		heading := ""
		if len(p.Chunks) > 0 {
			heading = title
		}
		p.Chunks = append(p.Chunks, rag.Chunk{
			Key:      rag.ChunkKey{Ordinal: len(p.Chunks)},
			TextHash: rag.TextHash(heading, part),
			Context:  heading,
			Text:     part,
			Span: rag.Span{ByteStart: start, ByteEnd: end,
				CharStart: utf8.RuneCountInString(text[:start]), CharEnd: utf8.RuneCountInString(text[:end])},
			Locator: rag.Locator{LineStart: 1 + strings.Count(text[:start], "\n"), HeadingPath: []string{title}},
		})
		start = end
	}
	return p
}

// Unit returns a unit vector that differs for each n.
func Unit(dim, n int) []float32 {
	v := make([]float32, dim)
	v[n%dim] = 0.6
	v[(n+1+n/dim)%dim] += 0.8
	if (n+1+n/dim)%dim == n%dim {
		v[n%dim] = 1
	}
	return v
}

func hashes(chunks []rag.Chunk) (out []rag.Hash) {
	for _, k := range chunks {
		out = append(out, k.TextHash)
	}
	return out
}

func paragraphs(n int, word string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s paragraph %d, with ünïcödé in it.\n\n", word, i)
	}
	return b.String()
}
