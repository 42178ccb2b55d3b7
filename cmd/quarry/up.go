package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quarry-search/quarry/internal/app"
	"github.com/quarry-search/quarry/internal/config"
	"github.com/quarry-search/quarry/internal/rag"
)

// defaultCollection is where documents go that name no other.
const defaultCollection = "default"

func (c *cli) upCommand() *cobra.Command {
	collection := defaultCollection
	cmd := &cobra.Command{
		Use:   "up [FOLDER]",
		Short: "Ingest a folder, serve API and console, watch for changes",
		Long: "Ingests FOLDER (default: the working directory), then serves the API and the\n" +
			"console and keeps the documents in step with the files. Ctrl-C stops cleanly;\n" +
			"a second start goes on where the first one stopped.",
		Example: "  quarry up ./docs\n  quarry up ~/notes --data ./quarry-data --listen 127.0.0.1:9000",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			folder := "."
			if len(args) == 1 {
				folder = args[0]
			}
			if info, err := os.Stat(folder); err != nil || !info.IsDir() {
				return misuse("%s is not a folder that can be read", folder)
			}
			return c.up(cmd.Context(), app.Folder{Path: folder, Collection: collection})
		},
	}
	cmd.Flags().StringVarP(&collection, "collection", "c", defaultCollection, "collection that the documents go into")
	c.serverFlags(cmd)
	return cmd
}

func (c *cli) serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "serve",
		Short:   "Serve API and console over the data directory",
		Example: "  quarry serve --data /var/lib/quarry --log-format json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := c.logger("info")
			if err != nil {
				return err
			}
			a, err := app.New(c.config, app.Options{Logger: log})
			if err != nil {
				return err
			}
			fmt.Fprintf(c.out, "console   %s/\nAPI docs  %s/docs\n", a.URL(), a.URL())
			return errors.Join(a.Run(cmd.Context()), a.Close())
		},
	}
	c.serverFlags(cmd)
	return cmd
}

// up runs the server and tells a newcomer how far it is and what to do next.
func (c *cli) up(ctx context.Context, folder app.Folder) error {
	log, err := c.logger("warn")
	if err != nil {
		return err
	}
	a, err := app.New(c.config, app.Options{Logger: log, Folders: []app.Folder{folder}})
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	told := make(chan struct{})
	go func() {
		defer close(told)
		if err := c.welcome(running, a, folder); err != nil && running.Err() == nil {
			fmt.Fprintln(c.err, "quarry: "+sentence(err))
		}
	}()
	err = a.Run(ctx)
	stop()
	<-told
	return errors.Join(err, a.Close())
}

// welcome prints progress until the folder is in, then where to go.
func (c *cli) welcome(ctx context.Context, a *app.App, folder app.Folder) error {
	began := time.Now()
	bar := &progressLine{w: c.err, tty: terminal(c.err)}
	for {
		p, err := a.Progress(ctx)
		if err != nil {
			return err
		}
		if p.Ended && p.Embedded >= p.Chunks {
			bar.clear()
			fmt.Fprintln(c.out, summary(folder.Path, p, time.Since(began)))
			break
		}
		bar.show(progressText(p, time.Since(began)))
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			bar.clear()
			return err
		}
	}
	c.next(ctx, a, folder)
	return nil
}

func progressText(p app.Progress, took time.Duration) string {
	var n rag.JobCounts
	for _, j := range p.Folders {
		n.Accepted += j.Counts.Accepted
		n.Queued += j.Counts.Queued
	}
	seconds := max(took.Seconds(), 0.001)
	text := fmt.Sprintf("%d of %s (%.0f/s), %d of %d passages embedded (%.0f/s)", n.Accepted-n.Queued, plural(n.Accepted, "file"),
		float64(n.Accepted-n.Queued)/seconds, p.Embedded, p.Chunks, float64(p.Embedded)/seconds)
	return text
}

func summary(path string, p app.Progress, took time.Duration) string {
	var lines []string
	for _, j := range p.Folders {
		lines = append(lines, fmt.Sprintf("%s: %s", path, balance(j.Counts)))
	}
	lines = append(lines, fmt.Sprintf("%s, all embedded, after %.1f s", plural(p.Chunks, "passage"), took.Seconds()))
	return strings.Join(lines, "\n")
}

// balance writes a job's counts: what was accepted and what became of it.
func balance(n rag.JobCounts) string {
	s := fmt.Sprintf("%s = %d indexed + %d unchanged + %d skipped + %d failed",
		plural(n.Accepted, "file"), n.Indexed, n.Unchanged, n.Skipped, n.Failed)
	if n.Deleted > 0 {
		s += fmt.Sprintf("; %d deleted, their files are gone", n.Deleted)
	}
	return s
}

// next prints addresses and two commands to paste.
func (c *cli) next(ctx context.Context, a *app.App, folder app.Folder) {
	question := a.SampleQuestion(ctx)
	if question == "" {
		question = "what is this about?"
	}
	ask := program() + " ask"
	if c.config.Data != config.Default().Data {
		ask += " --server " + a.URL()
	}
	fmt.Fprintf(c.out, `
  console   %[1]s/
  API docs  %[1]s/docs

  curl -s %[1]s/v1/answers -H 'Content-Type: application/json' -d '{"query":"%[2]s"}'
  %[3]s "%[2]s"

watching %[4]s for changes; Ctrl-C stops
`, a.URL(), question, ask, folder.Path)
}

// program is what to type for this program: go run when it was started so.
func program() string {
	if path, err := os.Executable(); err == nil && strings.Contains(path, "go-build") {
		return "go run ./cmd/quarry"
	}
	return "quarry"
}
