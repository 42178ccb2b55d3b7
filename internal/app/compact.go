package app

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/quarry-search/quarry/internal/catalog/sqlite"
	"github.com/quarry-search/quarry/internal/config"
	"github.com/quarry-search/quarry/internal/index/local"
	"github.com/quarry-search/quarry/internal/ingest"
	"github.com/quarry-search/quarry/internal/rag"
)

// Sizes are what an index takes.
type Sizes struct {
	Chunks    int64
	Segments  int64
	DiskBytes int64
}

// Compact rewrites the index of a data directory that no process works on as
// one segment for each collection, without the dead. It returns the sizes
// before and after.
//
// Of the documents in purge, by id, every former version is erased, of deleted
// ones all: neither index nor catalog holds anything of them afterwards.
func Compact(ctx context.Context, c config.Config, purge ...string) (before, after Sizes, err error) {
	if _, err := os.Stat(c.Data); err != nil {
		return before, after, fmt.Errorf("open data directory: %w", err)
	}
	held, err := acquire(c.Data)
	if err != nil {
		return before, after, err
	}
	defer func() { err = errors.Join(err, held.release()) }()
	catalog, err := sqlite.Open(c.Data, sqlite.Options{})
	if err != nil {
		return before, after, err
	}
	defer func() { err = errors.Join(err, catalog.Close()) }()
	fingerprint := ""
	if len(purge) > 0 { // the index follows the log, for which the model is needed
		embedder, err := newEmbedder(c, nil)
		if err != nil {
			return before, after, err
		}
		fingerprint = embedder.Fingerprint()
	}
	log, err := logOf(ctx, catalog, fingerprint)
	if err != nil {
		return before, after, err
	}
	log.KeepHistory = keepOffline
	index, err := local.OpenDir(indexDir(c.Data), log, nil)
	if err != nil {
		return before, after, err
	}
	defer func() { err = errors.Join(err, index.Close()) }()
	if why := index.Recovered(); why != nil {
		return before, after, fmt.Errorf("there is nothing to compact, the next start builds the index anew: %w", why)
	}
	if lost := index.Lost(); len(lost) > 0 {
		return before, after, fmt.Errorf("the index is damaged in %d collections: quarry fsck, or the next start, heals it", len(lost))
	}
	if before, err = sizesOf(ctx, catalog, index); err != nil {
		return before, after, err
	}
	if len(purge) > 0 {
		if err := (&stopped{catalog, index, fingerprint}).erase(ctx, purge); err != nil {
			return before, after, err
		}
	}
	if err := index.Compact(ctx); err != nil {
		return before, after, fmt.Errorf("compact the index: %w", err)
	}
	after, err = sizesOf(ctx, catalog, index)
	return before, after, err
}

// stopped is a data directory that no process works on, opened to be rewritten.
type stopped struct {
	catalog     *sqlite.Catalog
	index       *local.Index
	fingerprint string
}

// erase erases the former versions of documents, all of a deleted one, and
// carries out what an earlier process did not come to.
func (d *stopped) erase(ctx context.Context, documents []string) error {
	for _, id := range documents {
		if _, err := d.catalog.EraseVersions(ctx, system("an operator erases"), id, false, 0); err != nil {
			return fmt.Errorf("purge document %s: %w", id, err)
		}
	}
	after, err := d.catalog.Cursor(ctx, ingest.EraserName)
	if err != nil {
		return err
	}
	list, err := d.catalog.Erasures(ctx, after)
	if err != nil || len(list) == 0 {
		return err
	}
	if _, err := followLog(ctx, d.catalog, d.index, d.fingerprint); err != nil {
		return err
	}
	if err := ingest.Scrub(ctx, d.catalog, d.index, list); err != nil {
		return err
	}
	return d.catalog.SetCursor(ctx, ingest.EraserName, list[len(list)-1].Seq)
}

// sizesOf adds up what the index holds of the catalog's collections.
func sizesOf(ctx context.Context, catalog *sqlite.Catalog, index *local.Index) (s Sizes, err error) {
	collections, err := catalog.ListCollections(ctx, system("sizes of the index"))
	if err != nil {
		return s, err
	}
	for _, c := range collections {
		stats, err := index.Stats(ctx, c.Name)
		if rag.CodeOf(err) == rag.CodeNotFound {
			continue // created, not yet applied
		}
		if err != nil {
			return s, err
		}
		s.Chunks += stats.Chunks
		s.Segments += int64(stats.Segments)
		s.DiskBytes += stats.DiskBytes
	}
	return s, nil
}
