package app

import (
	"context"
	"os/exec"
	"path/filepath"

	"github.com/quarry-search/quarry/internal/config"
	"github.com/quarry-search/quarry/internal/parse"
	"github.com/quarry-search/quarry/internal/parse/pdf"
	"github.com/quarry-search/quarry/internal/rag"
)

// parsers are the parsers of all formats with the workers that PDF needs.
type parsers struct {
	all *parse.Parsers
	pdf *pdf.Client
}

func newParsers(executable string, c config.Config) *parsers {
	reader := &pdf.Client{
		CacheDir:   filepath.Join(c.Data, "cache"),
		MaxWorkers: c.IngestWorkers,
	}
	if executable != "" {
		// SECURITY: no environment, as for the worker that pdf starts itself.
		reader.Command = func() (*exec.Cmd, error) {
			cmd := exec.Command(executable, pdf.Subcommand)
			cmd.Env = []string{}
			return cmd, nil
		}
	}
	return &parsers{
		all: parse.New(parse.Limits{MaxBytes: int(c.MaxDocumentBytes)}, reader),
		pdf: reader,
	}
}

func (p *parsers) parse(ctx context.Context, in rag.Incoming) (rag.Parsed, error) {
	return p.all.Parse(ctx, parse.Input{URI: in.URI, MediaType: in.MediaType, Data: in.Data})
}

// Close ends the workers.
func (p *parsers) Close() error { return p.pdf.Close() }
