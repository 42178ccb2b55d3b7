package main

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/quarry-search/quarry/internal/engine/enginebench"
	"github.com/quarry-search/quarry/internal/eval"
)

func (c *cli) benchEngineLexical() *cobra.Command {
	b := enginebench.Lexical{}
	var texts string
	var rows, queries int
	cmd := &cobra.Command{
		Use:   "lexical --out DIR",
		Short: "BM25 over short texts on one core",
		Long: "Searches the texts of DIR/texts.txt for each query of DIR/queries.txt on one core\n" +
			"and prints queries per second of processor time. With --texts it makes both files\n" +
			"first, of the sentences and the queries of evaluation sets. Programs in\n" +
			"bench/peers read the same files; what they found (bleve.top, tantivy.top) is\n" +
			"compared with what was found here. Then it measures phrases of the words that\n" +
			"stand side by side most often, prefixes and fuzzy words.",
		Example: "  quarry bench engine lexical --out ./bench-texts --texts ./eval\n" +
			"  quarry bench engine lexical --out ./bench-texts",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if b.Dir == "" {
				return misuse("say --out")
			}
			if b.Passes < 1 || b.Limit < 1 || rows < 1 || queries < 1 {
				return misuse("--passes, --top-k, --rows and --queries are 1 or more")
			}
			if texts != "" {
				found, asked, err := eval.Texts(texts, rows, queries)
				if err != nil {
					return err
				}
				if err := os.RemoveAll(filepath.Join(b.Dir, "quarry.index")); err != nil {
					return err
				}
				if err := enginebench.WriteTexts(b.Dir, found, asked, rows); err != nil {
					return err
				}
			}
			b.Out = c.out
			return b.Run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&b.Dir, "out", "", "the folder")
	cmd.Flags().StringVar(&texts, "texts", "", "a folder of evaluation sets (corpus.jsonl, queries.jsonl) to make the files of")
	cmd.Flags().IntVar(&rows, "rows", 1_000_000, "texts to make")
	cmd.Flags().IntVar(&queries, "queries", 2000, "queries to make at most")
	cmd.Flags().IntVar(&b.Limit, "top-k", 100, "texts wanted of each query")
	cmd.Flags().IntVar(&b.Passes, "passes", 5, "passes over the queries, of which the median is told")
	return cmd
}
