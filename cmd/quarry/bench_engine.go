package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quarry-search/quarry/internal/engine/enginebench"
)

func (c *cli) benchEngine() *cobra.Command {
	b := enginebench.Bench{}
	var what strings.Builder
	for _, e := range enginebench.Experiments {
		fmt.Fprintf(&what, "  %-11s %s\n", e.Name, e.What)
	}
	cmd := &cobra.Command{
		Use:   "engine --data DIR",
		Short: "The engine on a million vectors, beside hnswlib and FAISS on the same files",
		Long: "Measures the engine, through its own interface and on disk, on data sets that\n" +
			"quarry bench engine data made. An index is built the first time and kept beside\n" +
			"the set. Searches are given as beam: recall@10@queries per CPU-second. The parts:\n\n" + what.String() +
			"\nWith --hnsw and --faiss, programs made by `make` in bench/peers/hnswlib and\n" +
			"bench/peers/faiss, these are measured in the same minutes with every index that the\n" +
			"program has saved in the set's folder, as hnsw-M-EFC.bin and faiss-NAME.bin, and\n" +
			"ratios at recall 0.97 and 0.99 are given against the best of each.",
		Example: "  quarry bench engine --data ./bench-data --set d1 --hnsw bench/peers/hnswlib/hnsw\n" +
			"  quarry bench engine --data ./bench-data --set real --only none,churn",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if b.Dir == "" {
				return misuse("say --data, a folder that bench engine data made")
			}
			b.Out = c.out
			return b.Run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&b.Dir, "data", "", "the folder of data sets")
	cmd.Flags().StringSliceVar(&b.Sets, "set", []string{"d1", "d2", "real"}, "which sets")
	cmd.Flags().StringSliceVar(&b.Only, "only", nil, "which parts: "+enginebench.ExperimentNames())
	cmd.Flags().StringVar(&b.HNSW, "hnsw", "", "the program of bench/peers/hnswlib")
	cmd.Flags().StringVar(&b.FAISS, "faiss", "", "the program of bench/peers/faiss")
	cmd.AddCommand(c.benchEngineData(), c.benchEngineLexical())
	return cmd
}
