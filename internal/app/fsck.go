package app

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/quarry-search/quarry/internal/catalog/sqlite"
	"github.com/quarry-search/quarry/internal/config"
	"github.com/quarry-search/quarry/internal/rag"
)

// Fsck checks a data directory that no process works on: the catalog against
// its invariants, and the index against its checksums and the catalog. With
// repair it mends what can be derived; without, it changes nothing.
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
	k := &indexCheck{dir: indexDir(c.Data), catalog: catalog, fingerprint: embedder.Fingerprint(), repair: repair, report: &report}
	return report, k.run(ctx)
}
