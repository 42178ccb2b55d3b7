package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/quarry-search/quarry/internal/catalog/sqlite"
	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/index/local"
	"github.com/quarry-search/quarry/internal/rag"
)

const (
	comparePage = 256 // documents that are read at once
	// listedMost is how many documents of a kind of problem are named; the rest
	// are counted.
	listedMost = 20
	// formerInvariant begins the names of what concerns former versions.
	formerInvariant = "index_former"
)

// indexReader is what a comparison reads of an index, which stands still.
type indexReader interface {
	Collections() []string
	Stored(collection, after string, limit int) ([]local.Stored, error)
	Former(collection, after string, limit int) ([]local.Former, error)
	Past(collection string) (oldest uint64, kept bool, err error)
	Stats(ctx context.Context, collection string) (rag.IndexStats, error)
}

// resting is an index that nobody changes.
type resting struct {
	local.Audit
	index *local.Index
}

func (r resting) Stats(ctx context.Context, collection string) (rag.IndexStats, error) {
	return r.index.Stats(ctx, collection)
}

// compare lists where the index does not hold what the catalog does. The index
// has followed the log to its end, and nobody writes to either.
func (k *indexCheck) compare(ctx context.Context, index *local.Index) (*comparison, error) {
	c := newComparison(k.catalog, resting{index.Audit(), index}, k.fingerprint)
	if err := c.run(ctx); err != nil {
		return nil, err
	}
	c.count(k.report.Checked)
	return c, nil
}

func newComparison(catalog *sqlite.Catalog, index indexReader, fingerprint string) *comparison {
	return &comparison{catalog: catalog, index: index, fingerprint: fingerprint,
		counts: map[string]int64{}, pasts: map[string]bool{}, progress: func(int64) {}}
}

// run compares every collection.
func (c *comparison) run(ctx context.Context) error {
	collections, err := c.catalog.ListCollections(ctx, system("fsck compares every collection"))
	if err != nil {
		return err
	}
	names := map[string]bool{}
	for _, collection := range collections {
		names[collection.Name] = true
		vectors := collection.Fingerprint == c.fingerprint || rag.GivenFingerprint(collection.Fingerprint)
		for _, part := range []func() error{
			func() error { return c.totals(ctx, collection.Name, vectors) },
			func() error { return c.documents(ctx, collection.Name) },
			func() error { return c.former(ctx, collection.Name) },
		} {
			if err := part(); err != nil {
				return err
			}
		}
	}
	for _, name := range c.index.Collections() {
		if !names[name] {
			c.differ("index_collection", name, "", "the index holds this collection, the catalog does not")
		}
	}
	return nil
}

// count adds what was compared to a report.
func (c *comparison) count(checked map[string]int64) {
	checked["index_chunks"], checked["index_documents"], checked["index_former_versions"] = c.chunks, c.compared, c.formerCompared
}

// comparison gathers what differs between a catalog and an index.
type comparison struct {
	catalog          *sqlite.Catalog
	index            indexReader
	fingerprint      string
	progress         func(documents int64) // called as documents are compared
	compared, chunks int64
	formerCompared   int64
	listed           []rag.Problem
	counts           map[string]int64 // by invariant, listed or not
	pasts            map[string]bool  // collections whose former versions differ
	present          bool             // something else differs
}

// differ notes a problem of a document, or of the collection without one.
func (c *comparison) differ(invariant, collection, id, detail string) {
	subject := collection
	if id != "" {
		subject += "/" + id
	}
	if strings.HasPrefix(invariant, formerInvariant) {
		c.pasts[collection] = true
	} else {
		c.present = true
	}
	if c.counts[invariant]++; c.counts[invariant] <= listedMost {
		c.listed = append(c.listed, rag.Problem{Invariant: invariant, Subject: subject, Detail: detail})
	}
}

// problems are those that are named, and for each kind how many more there are.
func (c *comparison) problems() []rag.Problem {
	for _, invariant := range slices.Sorted(maps.Keys(c.counts)) {
		if more := c.counts[invariant] - listedMost; more > 0 {
			c.listed = append(c.listed, rag.Problem{Invariant: invariant, Subject: "the index", Detail: fmt.Sprintf("%d more of these are not listed", more)})
		}
	}
	return c.listed
}

// totals compares the numbers of chunks and vectors of a collection.
func (c *comparison) totals(ctx context.Context, collection string, vectors bool) error {
	counts, err := c.catalog.CountCollection(ctx, system("fsck compares every collection"), collection)
	if err != nil {
		return err
	}
	stats, err := c.index.Stats(ctx, collection)
	if err != nil {
		return err
	}
	c.chunks += stats.Chunks
	if stats.Chunks != counts.Chunks {
		c.differ("index_chunks", collection, "", fmt.Sprintf("the index holds %d chunks, the catalog %d", stats.Chunks, counts.Chunks))
	}
	if vectors && stats.Vectors != counts.Embedded {
		c.differ("index_vectors", collection, "", fmt.Sprintf("the index holds %d vectors, the catalog %d", stats.Vectors, counts.Embedded))
	}
	return nil
}

// documents walks the documents of both by id, a page of each at a time.
func (c *comparison) documents(ctx context.Context, collection string) error {
	want := walk[rag.Document]{
		id: func(d rag.Document) string { return d.ID },
		read: func(after string) ([]rag.Document, error) {
			return c.catalog.ListDocuments(ctx, system("fsck compares every document"),
				rag.DocumentList{Collection: collection, After: after, Limit: comparePage})
		},
	}
	got := walk[local.Stored]{
		id:   func(d local.Stored) string { return d.ID },
		read: func(after string) ([]local.Stored, error) { return c.index.Stored(collection, after, comparePage) },
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := want.fill(); err != nil {
			return err
		}
		if err := got.fill(); err != nil {
			return err
		}
		switch {
		case len(want.page) == 0 && len(got.page) == 0:
			return nil
		case len(want.page) == 0 || len(got.page) > 0 && got.page[0].ID < want.page[0].ID:
			d := got.take()
			c.differ("index_document", collection, d.ID, fmt.Sprintf("the index holds it, at version %d with %d chunks, once more than the catalog", d.Version, len(d.Chunks)))
		case len(got.page) == 0 || want.page[0].ID < got.page[0].ID:
			d := want.take()
			c.differ("index_document", collection, d.ID, fmt.Sprintf("the index lacks it, which is at version %d with %d chunks", d.Version.Number, d.Version.Chunks))
		default:
			c.compared++
			c.progress(c.compared)
			if err := c.document(ctx, collection, want.take(), got.take()); err != nil {
				return err
			}
		}
	}
}

// document compares a document as the index holds it with the catalog's.
// SECURITY: the access lists are of those; the index checks by itself that what
// it searches by agrees with what it holds.
func (c *comparison) document(ctx context.Context, collection string, want rag.Document, got local.Stored) error {
	if want.Version.Number != got.Version {
		c.differ("index_document", collection, want.ID, fmt.Sprintf("the index holds version %d, the catalog %d", got.Version, want.Version.Number))
		return nil
	}
	if !sameLabels(want.Access, got.Access) {
		c.differ("index_access", collection, want.ID, fmt.Sprintf("the index lets in %q, the catalog %q", got.Access, want.Access))
	}
	if key := otherField(want.Fields(), got.Fields); key != "" {
		c.differ("index_field", collection, want.ID, fmt.Sprintf("the field %q has another value in the index", key))
	}
	hashes, err := c.catalog.TextHashes(ctx, system("fsck compares every document"), want.ID)
	if err != nil {
		return err
	}
	if !slices.EqualFunc(got.Chunks, hashes, func(g local.StoredChunk, h rag.Hash) bool { return g.TextHash == h }) ||
		!ordinalsRise(got.Chunks) {
		c.differ("index_document", collection, want.ID, fmt.Sprintf("the index holds %d chunks that are not the %d of its version", len(got.Chunks), len(hashes)))
	}
	return nil
}

func ordinalsRise(chunks []local.StoredChunk) bool {
	for i, c := range chunks {
		if c.Ordinal != i {
			return false
		}
	}
	return true
}

func sameLabels(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// otherField returns a key under which two documents differ, "" for none.
func otherField(want, got map[string]filter.Value) string {
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if v, ok := got[key]; !ok || !v.Equal(want[key]) {
			return key
		}
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[key]; !ok {
			return key
		}
	}
	return ""
}

// walk reads a list page by page.
type walk[T any] struct {
	id    func(T) string
	read  func(after string) ([]T, error)
	page  []T
	after string
	ended bool
}

// fill reads the next page when the last is used up; none is left at the end.
func (w *walk[T]) fill() error {
	if len(w.page) > 0 || w.ended {
		return nil
	}
	page, err := w.read(w.after)
	w.page, w.ended = page, len(page) == 0
	return err
}

// take removes the first of the page, which fill left.
func (w *walk[T]) take() T {
	first := w.page[0]
	w.page, w.after = w.page[1:], w.id(first)
	return first
}
