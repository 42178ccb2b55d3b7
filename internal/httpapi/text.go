package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/rag"
)

// maxWindow is how much text is sent at once.
const maxWindow = 1 << 20

type textInput struct {
	VersionQuery
	ByteStart int `query:"byte_start" minimum:"0" doc:"First byte wanted; moved back to the start of a code point"`
	ByteEnd   int `query:"byte_end" minimum:"0" doc:"End of what is wanted; 0 or absent: as far as it goes, at most 1 MiB"`
}

type textOutput struct {
	ETag string `header:"ETag"`
	Body api.DocumentText
}

func (s *server) registerText() {
	register(s, operation{
		id: "document-text", method: http.MethodGet, path: "/v1/documents/{id}/text", tag: "Documents", kind: "read", role: rag.RoleReader,
		summary: "Read a document's text",
		detail:  "A window of the normalised text of a version: the text that spans and citations point into. At most 1 MiB at once; ends are moved to code points. Ask again from span.byte_end for more.",
		errors:  []int{404, 422},
	}, s.documentText)
}

func (s *server) documentText(ctx context.Context, p rag.Principal, in *textInput) (*textOutput, error) {
	scope := s.Scope(p)
	d, err := s.Catalog.Document(ctx, scope, in.ID, in.Version)
	if err != nil {
		return nil, err
	}
	text, err := s.Catalog.Text(ctx, scope, in.ID, d.Version.Number)
	if err != nil {
		return nil, err
	}
	chunks, err := s.Catalog.DocumentChunks(ctx, scope, in.ID, d.Version.Number)
	if err != nil {
		return nil, err
	}
	if in.ByteEnd != 0 && in.ByteEnd < in.ByteStart {
		return nil, rag.Invalid("byte_end", "must not be before byte_start")
	}
	span := window(text, in.ByteStart, in.ByteEnd)
	return &textOutput{`"` + d.Version.TextHash.String() + `"`, api.DocumentText{
		DocumentID: d.ID, Version: d.Version.Number, Text: text[span.ByteStart:span.ByteEnd], Span: span,
		TextBytes: int64(len(text)), LineStart: 1 + strings.Count(text[:span.ByteStart], "\n"),
		Pages:    pagesIn(chunks, span),
		HasLines: slices.ContainsFunc(chunks, func(c rag.Chunk) bool { return c.Locator.LineStart > 0 }),
	}}, nil
}

// window moves both ends into the text and onto code points, and cuts to
// maxWindow. An end of 0 means the end of the text.
func window(text string, start, end int) api.Span {
	start = snap(text, min(start, len(text)))
	if end == 0 || end > len(text) {
		end = len(text)
	}
	end = max(start, snap(text, min(end, start+maxWindow)))
	charStart := utf8.RuneCountInString(text[:start])
	return api.Span{
		ByteStart: start, ByteEnd: end,
		CharStart: charStart, CharEnd: charStart + utf8.RuneCountInString(text[start:end]),
	}
}

// snap moves i back to the start of a code point.
func snap(text string, i int) int {
	for i > 0 && i < len(text) && !utf8.RuneStart(text[i]) {
		i--
	}
	return i
}

// pagesIn tells where pages start, as far as chunks show it: a page begins with
// the first chunk on it. The page in which the window starts comes first.
func pagesIn(chunks []rag.Chunk, span api.Span) []api.PageAt {
	var pages []api.PageAt
	last := 0
	for _, c := range chunks {
		page, start := c.Locator.Page, c.Span.ByteStart
		if page <= last {
			continue
		}
		last = page
		if start >= span.ByteEnd && len(pages) > 0 {
			break
		}
		if start <= span.ByteStart {
			pages = pages[:0] // it starts at or before the window, after the ones seen so far
		}
		pages = append(pages, api.PageAt{Page: page, ByteStart: start})
	}
	return pages
}
