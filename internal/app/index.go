package app

import (
	"context"
	"path/filepath"

	"github.com/quarry-search/quarry/internal/catalog/sqlite"
	"github.com/quarry-search/quarry/internal/index/local"
	"github.com/quarry-search/quarry/internal/ingest"
	"github.com/quarry-search/quarry/internal/rag"
)

// indexDir is where a data directory keeps its index.
func indexDir(data string) string { return filepath.Join(data, "index") }

// logOf says which log an index of this catalog follows.
func logOf(ctx context.Context, catalog *sqlite.Catalog, fingerprint string) (local.Log, error) {
	head, err := catalog.Head(ctx)
	return local.Log{ID: catalog.ID(), Head: head, Fingerprint: fingerprint}, err
}

// openIndex opens the index of the data directory. One that cannot be used is
// emptied, and filled anew from the log.
func (a *App) openIndex() error {
	log, err := logOf(context.Background(), a.catalog, a.embedder.Fingerprint())
	if err != nil {
		return err
	}
	log.RecallSample = a.config.RecallSample
	log.KeepHistory = a.config.Retention > 0
	log.Task = a.metrics.Task
	if a.index, err = local.OpenDir(indexDir(a.config.Data), log, a.damaged); err != nil {
		return err
	}
	if why := a.index.Recovered(); why != nil {
		a.log.Warn("the index is built anew from the catalog", "event", "index_rebuilt", "error", why)
	}
	return nil
}

// damaged tells of a file of the index that was taken out.
func (a *App) damaged(p rag.Problem) {
	a.metrics.Corrupted()
	a.log.Error("a file of the index is damaged: what it held is put back from the catalog",
		"event", "index_damaged", "file", p.Subject, "error", p.Detail)
}

// present reads the catalog's present documents for the index to be healed by.
type present struct{ catalog *sqlite.Catalog }

func (p present) Page(ctx context.Context, collection, after string, limit int) ([]rag.Document, error) {
	return p.catalog.ListDocuments(ctx, system("a damaged index is healed"),
		rag.DocumentList{Collection: collection, After: after, Limit: limit})
}

func (p present) Chunks(ctx context.Context, d rag.Document) ([]rag.Chunk, error) {
	return p.catalog.DocumentChunks(ctx, system("a damaged index is healed"), d.ID, d.Version.Number)
}

// runIndex writes and merges the index in the background until ctx ends.
func (a *App) runIndex(ctx context.Context) error {
	a.index.Run(ctx, func(err error) {
		a.metrics.FollowerError(ingest.IndexerName, string(ingest.Transient))
		a.log.Error("the index could not be written: it goes on in memory and tries again",
			"event", "index_write_failed", "error", err)
	})
	return ctx.Err()
}
