package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/quarry-search/quarry/internal/app"
)

func (c *cli) compactCommand() *cobra.Command {
	var purge []string
	cmd := &cobra.Command{
		Use:   "compact",
		Short: "Rewrite the index without what was deleted or replaced",
		Long: "Rewrites the index in the data directory as one segment for each collection,\n" +
			"without the chunks that were deleted or replaced. A running server merges\n" +
			"segments by itself and keeps the dead below a quarter; this gets the rest, as\n" +
			"after a large deletion. It needs room for the index a second time, on disk and\n" +
			"for one collection at a time in memory. A running server, of the data directory\n" +
			"or named by --server, does it itself and goes on serving. To stop this command\n" +
			"is safe at any time. The catalog is left as it is.\n\n" +
			"--purge erases: every former version of a document, of a deleted one all,\n" +
			"leaves the index and the catalog, with what no other document shares, and both\n" +
			"files are rewritten, so that no byte of it stays in the data directory.",
		Example: "  quarry compact\n  quarry compact --purge 3f2a9c\n  quarry compact --data /var/lib/quarry --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			before, after, err := c.compact(cmd.Context(), purge)
			if err != nil {
				return err
			}
			if c.json {
				return json.NewEncoder(c.out).Encode(map[string]sizesJSON{"before": sizesJSON(before), "after": sizesJSON(after)})
			}
			_, err = fmt.Fprintf(c.out, "%s, %.1f MB before\n%s, %.1f MB after, %s\n",
				plural(before.Segments, "segment"), float64(before.DiskBytes)/1e6,
				plural(after.Segments, "segment"), float64(after.DiskBytes)/1e6, plural(after.Chunks, "chunk"))
			return err
		},
	}
	cmd.Flags().StringSliceVar(&purge, "purge", nil, "erase every former version of this document, by id, for good (repeatable)")
	c.jsonFlag(cmd)
	return cmd
}

// compact has a running server do it, or does it where none runs.
func (c *cli) compact(ctx context.Context, purge []string) (before, after app.Sizes, err error) {
	conn, err := c.serving(ctx)
	if err != nil {
		return before, after, err
	}
	if conn == nil {
		return app.Compact(ctx, c.config, purge...)
	}
	before, after, err = c.compactServing(ctx, conn, purge)
	return before, after, errors.Join(err, conn.stop())
}

// sizesJSON is the size of an index for programs.
type sizesJSON struct {
	Chunks    int64 `json:"chunks"`
	Segments  int64 `json:"segments"`
	DiskBytes int64 `json:"disk_bytes"`
}
