package main

import (
	"encoding/json"
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
			"for one collection at a time in memory. The server must be stopped; to stop\n" +
			"this command is safe at any time. The catalog is left as it is.\n\n" +
			"--purge erases: every former version of a document, of a deleted one all,\n" +
			"leaves the index and the catalog, with what no other document shares, and both\n" +
			"files are rewritten, so that no byte of it stays in the data directory.",
		Example: "  quarry compact\n  quarry compact --purge 3f2a9c\n  quarry compact --data /var/lib/quarry --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			before, after, err := app.Compact(cmd.Context(), c.config, purge...)
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

// sizesJSON is the size of an index for programs.
type sizesJSON struct {
	Chunks    int64 `json:"chunks"`
	Segments  int64 `json:"segments"`
	DiskBytes int64 `json:"disk_bytes"`
}
