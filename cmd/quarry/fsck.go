package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/quarry-search/quarry/internal/app"
)

func (c *cli) fsckCommand() *cobra.Command {
	repair := true
	cmd := &cobra.Command{
		Use:   "fsck",
		Short: "Check every invariant of the data directory, repair what can be derived",
		Long: "Checks blobs against their hashes, spans against texts, the log against the\n" +
			"documents, embeddings, the balance of every job, and the index against its\n" +
			"checksums and, document by document, the catalog. A running server, of the data\n" +
			"directory or named by --server, checks its index while it goes on; for the rest,\n" +
			"and for repair, it must be stopped. The exit code is 1 while problems remain.\n" +
			"--repair=false changes nothing.",
		Example: "  quarry fsck\n  quarry fsck --repair=false --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			report, err := c.check(cmd.Context(), repair)
			if err != nil {
				return err
			}
			return c.printCheck(report)
		},
	}
	cmd.Flags().BoolVar(&repair, "repair", true, "mend what can be derived")
	c.jsonFlag(cmd)
	return cmd
}

// checkJSON is the report for programs.
type checkJSON struct {
	Checked   map[string]int64 `json:"checked"`
	Problems  []problemJSON    `json:"problems"`
	Remaining int              `json:"remaining"`
}

type problemJSON struct {
	Invariant string `json:"invariant"`
	Subject   string `json:"subject"`
	Detail    string `json:"detail"`
	Repaired  bool   `json:"repaired"`
}

// check has a running server do it, or does it where none runs.
func (c *cli) check(ctx context.Context, repair bool) (checkJSON, error) {
	conn, err := c.serving(ctx)
	if err != nil {
		return checkJSON{}, err
	}
	if conn != nil {
		out, err := c.checkServing(ctx, conn)
		return out, errors.Join(err, conn.stop())
	}
	report, err := app.Fsck(ctx, c.config, repair)
	out := checkJSON{Checked: report.Checked, Problems: []problemJSON{}}
	for _, p := range report.Problems {
		out.Problems = append(out.Problems, problemJSON(p))
		if !p.Repaired {
			out.Remaining++
		}
	}
	return out, err
}

func (c *cli) printCheck(out checkJSON) error {
	if c.json {
		if err := json.NewEncoder(c.out).Encode(out); err != nil {
			return err
		}
	} else {
		for _, name := range slices.Sorted(maps.Keys(out.Checked)) {
			fmt.Fprintf(c.out, "checked %d %s\n", out.Checked[name], name)
		}
		for _, p := range out.Problems {
			state := "PROBLEM"
			if p.Repaired {
				state = "repaired"
			}
			fmt.Fprintf(c.out, "%s: %s of %s: %s\n", state, p.Invariant, plain(p.Subject), plain(p.Detail))
		}
		fmt.Fprintf(c.out, "%s, %d repaired, %d remain\n", plural(int64(len(out.Problems)), "problem"), len(out.Problems)-out.Remaining, out.Remaining)
	}
	if out.Remaining > 0 {
		return errSaid
	}
	return nil
}
