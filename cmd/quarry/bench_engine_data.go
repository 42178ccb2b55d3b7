package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/quarry-search/quarry/internal/app"
	"github.com/quarry-search/quarry/internal/engine/enginebench"
	"github.com/quarry-search/quarry/internal/eval"
	"github.com/quarry-search/quarry/internal/model"
)

// usualDim is how many components d1 and d2 have unless it is said.
const usualDim = 384

// engineData makes data sets for bench engine.
type engineData struct {
	*cli
	out     string
	sets    []string
	texts   string
	rows    int
	dim     int
	queries int
}

func (c *cli) benchEngineData() *cobra.Command {
	d := engineData{cli: c}
	cmd := &cobra.Command{
		Use:   "data --out DIR",
		Short: "Make the data sets that bench engine measures on, with their exact answers",
		Long: "Writes vectors, queries, filters and the exact nearest rows of each query, as files\n" +
			"that programs in other languages read too. The sets:\n\n" +
			"  d1    2,000 gaussian clusters of unequal size\n" +
			"  d2    no clusters, a falling spectrum\n" +
			"  real  the texts of the evaluation sets in --texts, cut into sentences and\n" +
			"        paragraphs and embedded by the configured model; their real queries\n\n" +
			"Sets of another --dim than 384 are called after it: d1-768. A million rows of 384\n" +
			"components take 1.5 GB of disk and 5 GB of memory.",
		Example: "  quarry bench engine data --out ./bench-data --set d1,d2\n" +
			"  quarry bench engine data --out ./bench-data --set d1 --rows 200000 --dim 768\n" +
			"  quarry bench engine data --out ./bench-data --set real --texts ./eval --rows 302000",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return d.run(cmd.Context()) },
	}
	cmd.Flags().StringVar(&d.out, "out", "", "the folder that gets a folder for each set")
	cmd.Flags().StringSliceVar(&d.sets, "set", []string{"d1", "d2"}, "d1, d2, real")
	cmd.Flags().StringVar(&d.texts, "texts", "", "for real: a folder of evaluation sets (corpus.jsonl, queries.jsonl)")
	cmd.Flags().IntVar(&d.rows, "rows", 1_000_000, "rows of each set at most")
	cmd.Flags().IntVar(&d.dim, "dim", usualDim, "components of d1 and d2")
	cmd.Flags().IntVar(&d.queries, "queries", 1000, "queries of each set at most")
	return cmd
}

func (d *engineData) run(ctx context.Context) error {
	if d.out == "" {
		return misuse("say --out")
	}
	if d.rows < 1000 || d.dim%16 != 0 || d.dim < 16 || d.queries < 1 {
		return misuse("--rows from 1,000 on, --dim a multiple of 16, --queries from 1 on")
	}
	for _, name := range d.sets {
		began := time.Now()
		var set *enginebench.Dataset
		var err error
		switch name {
		case "d1":
			set = enginebench.Clustered(d.rows, d.queries, d.dim)
		case "d2":
			set = enginebench.Spread(d.rows, d.queries, d.dim)
		case "real":
			set, err = d.embed(ctx)
		default:
			err = misuse("no data set %q: d1, d2 or real", name)
		}
		if err != nil {
			return err
		}
		set.SetTruth()
		if name != "real" && d.dim != usualDim {
			name = fmt.Sprintf("%s-%d", name, d.dim)
		}
		if err := set.Write(filepath.Join(d.out, name)); err != nil {
			return err
		}
		fmt.Fprintf(d.cli.out, "%s: %d rows of %d, %d queries, %.0f s\n",
			name, set.Base.Rows(), set.Base.Dim, set.Queries.Rows(), time.Since(began).Seconds())
	}
	return nil
}

func (d *engineData) embed(ctx context.Context) (*enginebench.Dataset, error) {
	if d.texts == "" {
		return nil, misuse("say --texts")
	}
	texts, queries, err := eval.Texts(d.texts, d.rows, d.queries)
	if err != nil {
		return nil, err
	}
	m, err := app.NewModels(d.config).Open(d.config.Model)
	if err != nil {
		return nil, err
	}
	asked, err := m.Embed(ctx, model.Query, queries)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(d.cli.out, "embedding %d texts\n", len(texts))
	base, err := m.Embed(ctx, model.Background, texts)
	if err != nil {
		return nil, err
	}
	return enginebench.Embedded(base, asked), nil
}
