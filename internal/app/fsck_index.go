package app

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/quarry-search/quarry/internal/catalog/sqlite"
	"github.com/quarry-search/quarry/internal/index/local"
	"github.com/quarry-search/quarry/internal/ingest"
	"github.com/quarry-search/quarry/internal/rag"
)

// indexCheck compares the index with its checksums and the catalog.
type indexCheck struct {
	dir         string
	catalog     *sqlite.Catalog
	fingerprint string
	repair      bool
	report      *rag.CheckReport
}

// run checks the index as it is, then has it follow the log to its end, puts
// back what damaged segments held, and compares. An index that holds something
// else than the catalog is built anew.
func (k *indexCheck) run(ctx context.Context) (err error) {
	index, err := k.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, index.Close()) }()
	if why := index.Recovered(); why != nil && !errors.Is(why, local.ErrOtherModel) {
		k.problem("index", k.dir, why.Error(), k.repair)
	}
	damage, err := index.Check(ctx) // tells each problem to k.damaged
	if err != nil {
		return err
	}
	for _, name := range []string{"segments", "graph_samples", "graph_samples_found"} {
		k.report.Checked["index_"+name] = damage.Checked[name]
	}
	if err := k.follow(ctx, index); err != nil {
		return err
	}
	found, err := k.compare(ctx, index)
	if err != nil {
		return err
	}
	differences := found.problems()
	if len(differences) > 0 && k.repair {
		if index, err = k.mend(ctx, index, found); err != nil {
			return err
		}
		remaining, err := k.compare(ctx, index)
		if err != nil {
			return err
		}
		for i := range differences {
			differences[i].Repaired = len(remaining.counts) == 0
		}
	}
	k.report.Problems = append(k.report.Problems, differences...)
	return k.embedded(ctx)
}

// keepOffline: whoever works on a directory without its server keeps former
// versions, since the server may have been told to by a flag. One that was not
// drops them with the next change.
const keepOffline = true

// open opens the index, without changing it unless there is to be repair.
func (k *indexCheck) open(ctx context.Context) (*local.Index, error) {
	log, err := logOf(ctx, k.catalog, k.fingerprint)
	if err != nil {
		return nil, err
	}
	log.KeepHistory = keepOffline
	if k.repair {
		return local.OpenDir(k.dir, log, k.damaged)
	}
	return local.OpenDirReadOnly(k.dir, log, k.damaged)
}

// damaged reports a file that the index had to do without. What it held is put
// back by follow.
func (k *indexCheck) damaged(p rag.Problem) {
	k.problem(p.Invariant, p.Subject, p.Detail, k.repair)
}

// mend builds the index anew, or, where only former versions differ, drops those
// of their collections. It returns the index that is open then.
func (k *indexCheck) mend(ctx context.Context, index *local.Index, found *comparison) (*local.Index, error) {
	if !found.present {
		for name := range found.pasts {
			if err := index.DropPast(name); err != nil {
				return index, err
			}
		}
		return index, nil
	}
	index, err := k.anew(ctx, index)
	if err != nil {
		return index, err
	}
	return index, k.follow(ctx, index)
}

// anew closes and removes an index and opens an empty one in its place. It
// returns the closed one with an error.
func (k *indexCheck) anew(ctx context.Context, index *local.Index) (*local.Index, error) {
	if err := errors.Join(index.Close(), os.RemoveAll(k.dir)); err != nil {
		return index, fmt.Errorf("remove the index: %w", err)
	}
	empty, err := k.open(ctx)
	if err != nil {
		return index, err
	}
	return empty, nil
}

// follow applies the rest of the log to the index, and heals it.
func (k *indexCheck) follow(ctx context.Context, index *local.Index) error {
	indexer, err := followLog(ctx, k.catalog, index, k.fingerprint)
	if err != nil {
		return err
	}
	indexer.Heal(index, present{k.catalog})
	return indexer.HealNow(ctx)
}

// followLog applies the rest of the log to the index of a stopped server.
func followLog(ctx context.Context, catalog *sqlite.Catalog, index *local.Index, fingerprint string) (*ingest.Indexer, error) {
	head, err := catalog.Head(ctx)
	if err != nil {
		return nil, err
	}
	var failure error
	following, stop := context.WithCancel(ctx)
	defer stop()
	events := ingest.Events{Follower: func(_ string, kind ingest.FollowerError, err error) {
		if kind == ingest.Poison {
			failure = err
			stop()
		}
	}}
	indexer := ingest.NewIndexer(catalog, catalog, index, fingerprint, events)
	done := make(chan error, 1)
	go func() { done <- indexer.Run(following) }()
	err = ingest.Freshness{Indexer: indexer}.WaitApplied(following, head)
	stop()
	<-done
	if err = errors.Join(failure, err); err != nil {
		return nil, fmt.Errorf("follow the log: %w", err)
	}
	return indexer, nil
}

// embedded reports texts that the embedder has passed without a vector, and
// has it read the log again.
func (k *indexCheck) embedded(ctx context.Context) error {
	collections, err := k.catalog.ListCollections(ctx, system("fsck looks for missing vectors"))
	if err != nil {
		return err
	}
	for _, c := range collections {
		if c.Settings.Vectors.Source == rag.VectorsGiven {
			continue // a chunk may come without
		}
		counts, err := k.catalog.CountCollection(ctx, system("fsck looks for missing vectors"), c.Name)
		if err == nil && counts.Embedded != counts.Chunks {
			err = k.passed(ctx, c, counts)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// passed does so for a collection whose texts have not all a vector.
func (k *indexCheck) passed(ctx context.Context, c rag.Collection, counts rag.CollectionCounts) error {
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
