package parse

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/quarry-search/quarry/internal/rag"
)

// Input is a document as it came.
type Input struct {
	URI       string
	MediaType string // as declared; "" when unknown
	Data      []byte
}

// PageReader reads the title and the text of each page of a PDF. Its errors
// are refusals, or the context's.
type PageReader interface {
	ReadPages(ctx context.Context, data []byte) (title string, pages []string, err error)
}

// Limits bound what is parsed.
type Limits struct {
	MaxBytes     int // of a document; 0 means 64 MiB
	MaxTextBytes int // of its normalised text; 0 means 32 MiB
}

func (l Limits) withDefaults() Limits {
	if l.MaxBytes <= 0 {
		l.MaxBytes = 64 << 20
	}
	if l.MaxTextBytes <= 0 {
		l.MaxTextBytes = 32 << 20
	}
	return l
}

// Parsers holds the formats and their limits. It may be used concurrently.
type Parsers struct {
	limits  Limits
	pages   PageReader
	formats []format
}

// New returns the parsers of all formats. Without a page reader PDF is
// unsupported.
func New(limits Limits, pages PageReader) *Parsers {
	return &Parsers{limits: limits.withDefaults(), pages: pages, formats: formats()}
}

// Parse reads a document. Its error is a *rag.Refusal, or the context's when
// that ended.
func (ps *Parsers) Parse(ctx context.Context, in Input) (parsed rag.Parsed, err error) {
	if err := ctx.Err(); err != nil {
		return rag.Parsed{}, err
	}
	if len(in.Data) == 0 {
		return rag.Parsed{}, rag.Skip(rag.ReasonEmpty, "")
	}
	if len(in.Data) > ps.limits.MaxBytes {
		return rag.Parsed{}, rag.Skip(rag.ReasonTooLarge,
			fmt.Sprintf("%d bytes, the limit is %d", len(in.Data), ps.limits.MaxBytes))
	}
	p := examine(in)
	for _, f := range ps.formats {
		if f.matches(p) {
			return ps.run(ctx, f, p)
		}
	}
	return rag.Parsed{}, rag.Skip(rag.ReasonUnsupported, p.describe())
}

// run calls a format's parser and holds it to the contract of rag.Parsed.
func (ps *Parsers) run(ctx context.Context, f format, p probe) (parsed rag.Parsed, err error) {
	defer func() {
		if recover() != nil {
			parsed, err = rag.Parsed{}, rag.Fail(rag.ReasonParse, "the "+f.name+" parser gave up")
		}
	}()
	parsed, err = f.parse(ctx, ps, p)
	if err != nil {
		var refusal *rag.Refusal
		if !errors.As(err, &refusal) && ctx.Err() == nil {
			err = rag.Fail(rag.ReasonParse, "damaged "+f.name)
		}
		return rag.Parsed{}, err
	}
	if err := ps.readable(parsed.Text); err != nil {
		return rag.Parsed{}, err
	}
	parsed.MediaType = p.media
	parsed.Title = cleanTitle(parsed.Title)
	if parsed.Language == "" && parsed.Kind != rag.KindData && parsed.Kind != rag.KindTable {
		parsed.Language = Language(parsed.Text)
	}
	return parsed, nil
}

// readable refuses text that is too long or holds nothing.
func (ps *Parsers) readable(s string) error {
	if len(s) > ps.limits.MaxTextBytes {
		return rag.Skip(rag.ReasonTooLarge, fmt.Sprintf("%d bytes of text, the limit is %d", len(s), ps.limits.MaxTextBytes))
	}
	if strings.TrimSpace(s) == "" {
		return rag.Skip(rag.ReasonNoText, "")
	}
	return nil
}

const maxTitleBytes = 300

// cleanTitle makes a title one line of valid, bounded text.
func cleanTitle(s string) string {
	s = strings.Join(strings.Fields(normalise(strings.ToValidUTF8(s, " "))), " ")
	if len(s) > maxTitleBytes {
		s = strings.ToValidUTF8(s[:maxTitleBytes], "") + "…"
	}
	return s
}
