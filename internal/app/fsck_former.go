package app

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/quarry-search/quarry/internal/index/local"
	"github.com/quarry-search/quarry/internal/rag"
)

// former compares the former versions that the index keeps of a collection with
// what the catalog knows of them. The index keeps what ended after the oldest
// change that it can be read as of; of those, none may lack.
func (c *comparison) former(ctx context.Context, collection string) error {
	oldest, kept, err := c.index.Past(collection)
	if err != nil || !kept {
		return err
	}
	ended, err := c.catalog.Ended(ctx, collection, oldest)
	if err != nil {
		return err
	}
	until := map[rag.ChunkKey]uint64{} // by document and version
	for _, e := range ended {
		until[rag.ChunkKey{DocumentID: e.DocumentID, Version: e.Number}] = e.Until
	}
	for after := ""; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		page, err := c.index.Former(collection, after, comparePage)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		for _, got := range page {
			key := rag.ChunkKey{DocumentID: got.ID, Version: got.Version}
			end, known := until[key]
			delete(until, key)
			c.formerCompared++
			if err := c.formerVersion(ctx, collection, got, oldest, end, known); err != nil {
				return err
			}
		}
		after = page[len(page)-1].At
	}
	return c.formerLacking(ctx, collection, until)
}

// formerVersion compares one that the index holds. end is when it ended by the
// log, if that is known to be after oldest.
func (c *comparison) formerVersion(ctx context.Context, collection string, got local.Former, oldest, end uint64, known bool) error {
	subject := fmt.Sprintf("%s, version %d", got.ID, got.Version)
	want, err := c.catalog.Document(ctx, system("fsck compares former versions"), got.ID, got.Version)
	if rag.CodeOf(err) == rag.CodeNotFound || err == nil && want.Collection != collection {
		c.differ("index_former", collection, subject, "the index holds this former version, the catalog does not know it")
		return nil
	}
	if err != nil {
		return err
	}
	if !want.Version.Gone {
		c.differ("index_former", collection, subject, "the index holds it as a former version, and it is the present one")
		return nil
	}
	// SECURITY: who may see a former version is decided by the present list.
	if !sameLabels(want.Access, got.Access) {
		c.differ("index_former_access", collection, subject, fmt.Sprintf("the index lets in %q, the catalog %q", got.Access, want.Access))
	}
	fields := want.Fields()
	fields["uri"] = got.Fields["uri"] // versions of a document with an id of its own may have had another
	if key := otherField(fields, got.Fields); key != "" {
		c.differ("index_former", collection, subject, fmt.Sprintf("the field %q has another value in the index", key))
	}
	if got.From != 0 && got.From != want.Version.Seq || known && got.Until != end || !known && got.Until > oldest {
		c.differ("index_former", collection, subject, fmt.Sprintf("the index has it stand from change %d to %d, the log from %d to %d", got.From, got.Until, want.Version.Seq, end))
	}
	chunks, err := c.catalog.DocumentChunks(ctx, system("fsck compares former versions"), got.ID, got.Version)
	if err != nil {
		return err
	}
	if !slices.EqualFunc(got.Chunks, chunks, func(g local.StoredChunk, k rag.Chunk) bool { return g.TextHash == k.TextHash }) || !ordinalsRise(got.Chunks) {
		c.differ("index_former", collection, subject, fmt.Sprintf("the index holds %d chunks that are not the %d of the version", len(got.Chunks), len(chunks)))
	}
	return nil
}

// formerLacking notes versions that the index should hold and does not, but for
// those that were erased.
func (c *comparison) formerLacking(ctx context.Context, collection string, lacking map[rag.ChunkKey]uint64) error {
	for _, key := range slices.SortedFunc(maps.Keys(lacking), func(a, b rag.ChunkKey) int {
		return cmp.Or(strings.Compare(a.DocumentID, b.DocumentID), a.Version-b.Version)
	}) {
		d, err := c.catalog.Document(ctx, system("fsck compares former versions"), key.DocumentID, key.Version)
		if rag.CodeOf(err) == rag.CodeNotFound || err == nil && d.Collection != collection {
			continue
		}
		if err != nil {
			return err
		}
		c.differ("index_former", collection, fmt.Sprintf("%s, version %d", key.DocumentID, key.Version),
			fmt.Sprintf("the index lacks this former version, which ended with change %d", lacking[key]))
	}
	return nil
}
