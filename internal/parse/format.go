package parse

import (
	"context"

	"github.com/quarry-search/quarry/internal/rag"
)

// format is one entry of the registry: an extension point. The first format
// that matches a probe parses the document.
type format struct {
	name    string
	matches func(probe) bool
	parse   func(context.Context, *Parsers, probe) (rag.Parsed, error)
}

// formats returns the registry, in order of precedence.
func formats() []format {
	return []format{
		{"pdf", is("application/pdf"), parsePDF},
		{"html", is("text/html", "application/xhtml+xml"), parseHTML},
		{"markdown", is("text/markdown", "text/x-markdown"), text(markdown)},
		{"table", is("text/csv", "text/tab-separated-values"), text(table)},
		{"data", isData, text(data)},
		{"code", func(p probe) bool { return p.language != "" }, text(code)},
		{"text", isText, text(plain)},
	}
}

func is(types ...string) func(probe) bool {
	return func(p probe) bool {
		for _, t := range types {
			if p.media == t {
				return true
			}
		}
		return false
	}
}

// text makes a format's parser of a function over normalised text whose lines
// are the source's.
func text(f func(probe, string) rag.Parsed) func(context.Context, *Parsers, probe) (rag.Parsed, error) {
	return func(_ context.Context, ps *Parsers, p probe) (rag.Parsed, error) {
		s, err := decode(p.Data)
		if err != nil {
			return rag.Parsed{}, err
		}
		if err := ps.readable(s); err != nil {
			return rag.Parsed{}, err
		}
		parsed := f(p, s)
		parsed.Text, parsed.Lines = s, true
		return parsed, nil
	}
}
