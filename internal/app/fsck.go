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

// Fsck checks a data directory that no process works on: the catalog against
// its invariants, and an index rebuilt from the log against the catalog. With
// repair it mends what can be derived.
func Fsck(ctx context.Context, c config.Config, repair bool) (report rag.CheckReport, err error) {
	if _, err := os.Stat(c.Data); err != nil {
		return report, fmt.Errorf("open data directory: %w", err)
	}
	held, err := acquire(c.Data)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, held.release()) }()
	catalog, err := sqlite.Open(c.Data, sqlite.Options{})
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, catalog.Close()) }()
	if report, err = catalog.Check(ctx, repair); err != nil {
		return report, err
	}
	embedder, err := newEmbedder(c, nil)
	if err != nil {
		return report, err
	}
	k := &indexCheck{catalog: catalog, fingerprint: embedder.Fingerprint(), repair: repair, report: &report}
	return report, k.run(ctx)
}

// indexCheck compares a rebuilt index with the catalog.
type indexCheck struct {
	catalog     *sqlite.Catalog
	fingerprint string
	repair      bool
	report      *rag.CheckReport
}

func (k *indexCheck) run(ctx context.Context) error {
	index, err := k.rebuild(ctx)
	if err != nil {
		return fmt.Errorf("rebuild index: %w", err)
	}
	defer index.Close()
	scope := system("fsck compares every collection")
	collections, err := k.catalog.ListCollections(ctx, scope)
	if err != nil {
		return err
	}
	for _, c := range collections {
		counts, err := k.catalog.CountCollection(ctx, scope, c.Name)
		if err != nil {
			return err
		}
		stats, err := index.Stats(ctx, c.Name)
		if err != nil {
			return err
		}
		k.report.Checked["index_chunks"] += stats.Chunks
		if stats.Chunks != counts.Chunks {
			k.problem("index_chunks", c.Name, fmt.Sprintf("the index holds %d chunks, the catalog %d", stats.Chunks, counts.Chunks), false)
		}
		if c.Fingerprint == k.fingerprint && stats.Vectors != counts.Embedded {
			k.problem("index_vectors", c.Name, fmt.Sprintf("the index holds %d vectors, the catalog %d", stats.Vectors, counts.Embedded), false)
		}
		if err := k.embedded(ctx, c, counts); err != nil {
			return err
		}
	}
	return nil
}

// embedded reports texts that the embedder has passed without a vector, and
// has it read the log again.
func (k *indexCheck) embedded(ctx context.Context, c rag.Collection, counts rag.CollectionCounts) error {
	if counts.Embedded == counts.Chunks {
		return nil
	}
	cursor, err := k.catalog.Cursor(ctx, embedderCursor)
	if err != nil {
		return err
	}
	changes, err := k.published(ctx, cursor)
	if err != nil || changes {
		return err // the embedder has yet to read them
	}
	if k.repair {
		if err := k.catalog.SetCursor(ctx, embedderCursor, 0); err != nil {
			return err
		}
	}
	k.problem("embeddings", c.Name, fmt.Sprintf("%d chunks have no vector and the embedder has read past them",
		counts.Chunks-counts.Embedded), k.repair)
	return nil
}

// published reports whether the log holds versions after a seq.
func (k *indexCheck) published(ctx context.Context, after uint64) (bool, error) {
	for {
		changes, err := k.catalog.Changes(ctx, after, 512)
		if err != nil || len(changes) == 0 {
			return false, err
		}
		for _, c := range changes {
			if c.Kind == rag.ChangePublished && !c.Superseded {
				return true, nil
			}
		}
		after = changes[len(changes)-1].Seq
	}
}

func (k *indexCheck) problem(invariant, subject, detail string, repaired bool) {
	k.report.Problems = append(k.report.Problems, rag.Problem{
		Invariant: invariant, Subject: subject, Detail: detail, Repaired: repaired,
	})
}

// rebuild follows the whole log into a new index.
func (k *indexCheck) rebuild(ctx context.Context) (*local.Index, error) {
	head, err := k.catalog.Head(ctx)
	if err != nil {
		return nil, err
	}
	index, err := local.Open()
	if err != nil {
		return nil, err
	}
	var failure error
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	events := ingest.Events{Follower: func(_ string, kind ingest.FollowerError, err error) {
		if kind == ingest.Poison {
			failure = err
			stop()
		}
	}}
	indexer := ingest.NewIndexer(k.catalog, k.catalog, index, k.fingerprint, events)
	done := make(chan error, 1)
	go func() { done <- indexer.Run(ctx) }()
	err = ingest.Freshness{Indexer: indexer}.WaitApplied(ctx, head)
	stop()
	<-done
	return index, errors.Join(failure, err)
}
