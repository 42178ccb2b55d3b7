package main

import (
	"github.com/spf13/cobra"

	"github.com/quarry-search/quarry/internal/engine/enginebench"
)

func (c *cli) benchEngine() *cobra.Command {
	b := enginebench.Bench{}
	cmd := &cobra.Command{
		Use:   "engine --data DIR",
		Short: "The engine beside its peers",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b.Out = c.out
			return b.Run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&b.Dir, "data", "", "the folder")
	cmd.Flags().StringSliceVar(&b.Sets, "set", []string{"d1", "d2", "real"}, "sets")
	cmd.AddCommand(c.benchEngineData())
	return cmd
}
