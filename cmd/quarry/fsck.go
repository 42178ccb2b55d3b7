package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/quarry-search/quarry/internal/app"
	"github.com/quarry-search/quarry/internal/rag"
)

func (c *cli) fsckCommand() *cobra.Command {
	repair := true
	cmd := &cobra.Command{
		Use:   "fsck",
		Short: "Check every invariant of the data directory, repair what can be derived",
		Long: "Checks blobs against their hashes, spans against texts, the log against the\n" +
			"documents, embeddings, the balance of every job, and the index against its\n" +
			"checksums and, document by document, the catalog. The server must be stopped.\n" +
			"The exit code is 1 while problems remain. --repair=false changes nothing.",
		Example: "  quarry fsck\n  quarry fsck --repair=false --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			report, err := app.Fsck(cmd.Context(), c.config, repair)
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

func (c *cli) printCheck(r rag.CheckReport) error {
	out := checkJSON{Checked: r.Checked, Problems: []problemJSON{}}
	for _, p := range r.Problems {
		out.Problems = append(out.Problems, problemJSON(p))
		if !p.Repaired {
			out.Remaining++
		}
	}
	if c.json {
		if err := json.NewEncoder(c.out).Encode(out); err != nil {
			return err
		}
	} else {
		for _, name := range slices.Sorted(maps.Keys(r.Checked)) {
			fmt.Fprintf(c.out, "checked %d %s\n", r.Checked[name], name)
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
