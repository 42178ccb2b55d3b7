package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/quarry-search/quarry/internal/app"
	"github.com/quarry-search/quarry/internal/model"
	"github.com/quarry-search/quarry/internal/model/measure"
)

func (c *cli) modelTest() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "test NAME",
		Short: "Run a known set of texts: fingerprint, speed, memory, agreement with 32-bit weights",
		Long: "Embeds built-in texts, or scores pairs of them with a reranker, and prints speed and\n" +
			"memory. An installed model is also converted with 32-bit weights, in memory, and the\n" +
			"results of both are compared.",
		Example: "  quarry model test all-MiniLM-L6-v2",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			models := app.NewModels(c.config)
			m, err := models.Open(args[0])
			if err != nil {
				return err
			}
			exact, err := exactForm(models, args[0], m)
			if err != nil {
				return err
			}
			o := measure.Options{Each: time.Second, Brief: true}
			if m.Info().Labels > 0 {
				return c.testReranker(cmd.Context(), m, exact, o)
			}
			r, err := measure.Speed(cmd.Context(), m, o)
			if err != nil {
				return err
			}
			if exact != nil {
				cosine, err := measure.Agreement(cmd.Context(), m, exact)
				if err != nil {
					return err
				}
				r.Agreement = &cosine
			}
			return c.printReport(r, true)
		},
	}
	c.jsonFlag(cmd)
	return cmd
}

func (c *cli) testReranker(ctx context.Context, m, exact *model.Model, o measure.Options) error {
	r, err := measure.Pairs(ctx, m, o)
	if err != nil {
		return err
	}
	if exact != nil {
		d, err := measure.ScoreAgreement(ctx, m, exact)
		if err != nil {
			return err
		}
		r.Agreement = &d
	}
	return c.printPairs(r)
}

// exactForm converts the published files of a quantised model again, with
// 32-bit weights; nil when those are not here or m is exact.
func exactForm(models *app.Models, name string, m *model.Model) (_ *model.Model, err error) {
	e, installed, err := models.Store().Entry(name)
	if err != nil || !installed || m.Info().Quantisation == "f32" {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "quarry-model-*")
	if err != nil {
		return nil, fmt.Errorf("make temporary directory: %w", err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "f32.qmodel")
	s := e.Settings
	err = writeFile(path, func(w io.Writer) error {
		_, err := model.ConvertWith(models.Store().Folder(name), w, model.Options{
			Quantisation: "f32", Dim: s.Dim, Matryoshka: s.Matryoshka, QueryPrompt: s.QueryPrompt, PassagePrompt: s.PassagePrompt,
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return model.Open(path)
}

func (c *cli) benchModel() *cobra.Command {
	var seconds float64
	cmd := &cobra.Command{
		Use:   "model [NAME]",
		Short: "A model alone: queries, passages per CPU-second, cores, concurrency, memory",
		Long: "Measures the configured model, or NAME: single queries, passages per CPU-second at\n" +
			"the best batch, all cores against one, 16 concurrent queries against one at a time,\n" +
			"and queries while background work fills every core. Of a reranker: pairs per\n" +
			"CPU-second, and how long a question with so many candidates takes.",
		Example: "  quarry bench model --json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := c.config.Model
			if len(args) == 1 {
				name = args[0]
			}
			m, err := app.NewModels(c.config).Open(name)
			if err != nil {
				return err
			}
			if seconds <= 0 || seconds > 600 {
				return misuse("--seconds %v is not between 0 and 600", seconds)
			}
			o := measure.Options{Each: time.Duration(seconds * float64(time.Second))}
			if m.Info().Labels > 0 {
				r, err := measure.Pairs(cmd.Context(), m, o)
				if err != nil {
					return err
				}
				return c.printPairs(r)
			}
			r, err := measure.Speed(cmd.Context(), m, o)
			if err != nil {
				return err
			}
			return c.printReport(r, false)
		},
	}
	cmd.Flags().Float64Var(&seconds, "seconds", 3, "how long each figure is measured")
	c.jsonFlag(cmd)
	return cmd
}

func (c *cli) printPairs(r measure.PairReport) error {
	if c.json {
		return json.NewEncoder(c.out).Encode(r)
	}
	fmt.Fprintf(c.out, "%s, %s, fingerprint %s\n%s, %d cores, kernel %s\n", r.Model, r.Quantisation, r.Fingerprint, r.CPU, r.Cores, r.Kernel)
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "pairs of %.0f tokens\t%.1f per CPU-second, %.0f tokens\n", r.PairTokens, r.PairsPerCPUSecond, r.TokensPerCPU)
	for _, q := range r.Questions {
		fmt.Fprintf(table, "%d candidates\tp50 %.1f ms, p99 %.1f ms\n", q.Depth, q.P50, q.P99)
	}
	if r.ResidentBytes > 0 {
		fmt.Fprintf(table, "resident memory\t%s\n", megabytes(r.ResidentBytes))
	}
	if a := r.Agreement; a != nil {
		fmt.Fprintf(table, "%s against f32\tscores differ by %.4f on the mean, %.4f at worst over %d pairs\n", r.Quantisation, a.Mean, a.Worst, a.Pairs)
	}
	return table.Flush()
}

func (c *cli) printReport(r measure.Report, brief bool) error {
	if c.json {
		return json.NewEncoder(c.out).Encode(r)
	}
	fmt.Fprintf(c.out, "%s, %s, fingerprint %s\n%s, %d cores, kernel %s\n", r.Model, r.Quantisation, r.Fingerprint, r.CPU, r.Cores, r.Kernel)
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "query of 12 words\tp50 %.2f ms, p99 %.2f ms\n", r.QueryP50, r.QueryP99)
	fmt.Fprintf(table, "passages of %.0f tokens\t%.1f per CPU-second at batch %d, %.0f tokens\n",
		r.PassageTokens, r.PassagesPerCPUSecond, r.Batch, r.TokensPerCPUSecond)
	if !brief {
		fmt.Fprintf(table, "all cores over one\t%.2f\n", r.CoresRatio)
		fmt.Fprintf(table, "16 callers over one\t%.2f queries per second\n", r.ConcurrentRatio)
		fmt.Fprintf(table, "query while ingesting\tp99 %.2f ms, %.1f times idle\n", r.LoadedP99, r.LoadedRatio)
	}
	if r.ResidentBytes > 0 {
		fmt.Fprintf(table, "resident memory\t%s\n", megabytes(r.ResidentBytes))
	}
	if r.LoadedBytes > 0 {
		fmt.Fprintf(table, "with all cores at work\t%s\n", megabytes(r.LoadedBytes))
	}
	if a := r.Agreement; a != nil {
		fmt.Fprintf(table, "%s against f32\tcosine mean %.5f, worst %.5f over %d texts\n", r.Quantisation, a.Mean, a.Worst, a.Texts)
	}
	return table.Flush()
}
