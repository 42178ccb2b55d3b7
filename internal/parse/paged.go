package parse

import (
	"context"
	"strings"

	"github.com/quarry-search/quarry/internal/rag"
)

// parsePDF joins the pages that a page reader found, blank lines between them.
func parsePDF(ctx context.Context, ps *Parsers, p probe) (rag.Parsed, error) {
	if ps.pages == nil {
		return rag.Parsed{}, rag.Skip(rag.ReasonUnsupported, "application/pdf")
	}
	title, pages, err := ps.pages.ReadPages(ctx, p.Data)
	if err != nil {
		return rag.Parsed{}, err
	}
	parsed := rag.Parsed{Kind: rag.KindPDF, Title: title}
	var b strings.Builder
	for _, page := range pages {
		page = strings.Trim(normalise(strings.ToValidUTF8(page, " ")), "\n ")
		if b.Len()+len(page) > ps.limits.MaxTextBytes {
			return rag.Parsed{}, rag.Skip(rag.ReasonTooLarge, "more text than the limit allows")
		}
		if b.Len() > 0 && page != "" {
			b.WriteString("\n\n")
		}
		parsed.Pages = append(parsed.Pages, b.Len())
		b.WriteString(page)
	}
	parsed.Text = b.String()
	for i, start := range parsed.Pages {
		end := len(parsed.Text)
		if i+1 < len(parsed.Pages) {
			end = parsed.Pages[i+1]
		}
		parsed.Blocks = paragraphs(parsed.Blocks, parsed.Text, start, end)
	}
	return parsed, nil
}
