package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/quarry-search/quarry/internal/eval"
	"github.com/quarry-search/quarry/internal/rag"
)

func (c *cli) evalCommand() *cobra.Command {
	var o eval.Options
	var modes []string
	var rerank string
	cmd := &cobra.Command{
		Use:   "eval SET…",
		Short: "Measure ranking and answers on labelled sets (BEIR layout)",
		Long: "Ingests each folder SET (corpus.jsonl, queries.jsonl, qrels.tsv), asks its\n" +
			"questions, and prints nDCG@10, recall@10, recall@100 and MRR of each mode.\n" +
			"Without --data it works in a temporary directory.",
		Example: "  quarry eval ./sets/scifact --run scifact.run\n  quarry eval ./sets/squad-dev --answers --off-topic ./sets/scifact --questions 700",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Sets, o.Rerank = args, rag.Rerank(rerank)
			for _, m := range modes {
				if !slices.Contains([]rag.Mode{rag.Dense, rag.Lexical, rag.Hybrid, rag.Exact}, rag.Mode(m)) {
					return misuse("--mode %q is not dense, lexical, hybrid or exact", m)
				}
				o.Modes = append(o.Modes, rag.Mode(m))
			}
			return c.withScratch(cmd.Context(), cmd.Flags().Changed("data"), func(conn *connection) error {
				report, err := conn.app.Eval(cmd.Context(), o, func(message string) { fmt.Fprintln(c.err, message) })
				if err != nil {
					return err
				}
				if c.json {
					return json.NewEncoder(c.out).Encode(report)
				}
				return report.WriteTable(c.out)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&modes, "mode", nil, "dense, lexical, hybrid, exact (default: the first three)")
	flags.StringVar(&rerank, "rerank", "none", "of hybrid searches: none, sentences or model")
	flags.IntVar(&o.Questions, "questions", 0, "ask only this many, spread evenly")
	flags.StringVar(&o.FilterBy, "filter-by", "", "metadata key: search only documents with the question's own value")
	flags.StringVar(&o.Run, "run", "", "write a TREC run to this file")
	flags.BoolVar(&o.Answers, "answers", false, "measure answers too, where questions carry metadata.answers")
	flags.StringVar(&o.OffTopic, "off-topic", "", "folder whose questions the sets cannot answer")
	c.jsonFlag(cmd)
	return cmd
}

// withScratch runs f on a server inside this process: over the data directory
// when one was named, else over a temporary one.
func (c *cli) withScratch(ctx context.Context, named bool, f func(*connection) error) (err error) {
	if !named {
		dir, err := os.MkdirTemp("", "quarry-eval-*")
		if err != nil {
			return fmt.Errorf("make temporary directory: %w", err)
		}
		defer os.RemoveAll(dir)
		c.config.Data = dir
	}
	conn, err := c.within(ctx)
	if err != nil {
		return err
	}
	return errors.Join(f(conn), conn.stop())
}
