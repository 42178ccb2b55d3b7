package answer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/quarry-search/quarry/internal/rag"
	"github.com/quarry-search/quarry/internal/verify"
)

// errNotStored says that the stored text does not bear out a quote.
var errNotStored = errors.New("quote is not in the stored text")

// quoter turns units into verified citations. It reads each document once.
type quoter struct {
	texts Texts
	scope rag.Scope
	hits  []rag.Hit
	read  map[rag.ChunkKey]string // stored texts by document and version (Ordinal 0)
}

// cite re-reads what u quotes and returns its citation, or errNotStored.
func (q *quoter) cite(ctx context.Context, u *unit, number int) (rag.Citation, error) {
	hit := q.hits[u.hit]
	text, err := q.text(ctx, hit.Chunk.Key)
	if err != nil {
		return rag.Citation{}, err
	}
	chunk := hit.Chunk
	span := rag.Span{ByteStart: chunk.Span.ByteStart + u.start, ByteEnd: chunk.Span.ByteStart + u.end}
	span.CharStart = chunk.Span.CharStart + utf8.RuneCountInString(chunk.Text[:u.start])
	span.CharEnd = span.CharStart + utf8.RuneCountInString(u.text)
	sum, ok := verify.Quote(text, span, u.text)
	if !ok {
		return rag.Citation{}, errNotStored
	}
	return rag.Citation{
		Number: number, Document: hit.Document, Chunk: chunk.Key,
		Span: span, Locator: locate(chunk.Locator, text, span), Quote: u.text, QuoteSHA256: sum,
	}, nil
}

func (q *quoter) text(ctx context.Context, key rag.ChunkKey) (string, error) {
	key.Ordinal = 0
	if text, ok := q.read[key]; ok {
		return text, nil
	}
	text, err := q.texts.Text(ctx, q.scope, key.DocumentID, key.Version)
	if rag.CodeOf(err) == rag.CodeNotFound {
		return "", errNotStored
	}
	if err != nil {
		return "", fmt.Errorf("read stored text: %w", err)
	}
	q.read[key] = text
	return text, nil
}

// locate narrows the chunk's locator to the span: lines are counted, where
// the text has the source's lines; page and headings are the chunk's.
func locate(chunk rag.Locator, text string, span rag.Span) rag.Locator {
	l := chunk
	if chunk.LineStart > 0 {
		l.LineStart = 1 + strings.Count(text[:span.ByteStart], "\n")
		l.LineEnd = l.LineStart + strings.Count(text[span.ByteStart:span.ByteEnd], "\n")
	}
	return l
}
