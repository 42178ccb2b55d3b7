package ingest

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/quarry-search/quarry/internal/rag"
)

// takeChunks makes the document of the chunks that the caller cut, in place of
// parsing and chunking.
func (w *work) takeChunks(c rag.Collection) error {
	settings := c.Settings.Vectors
	var text strings.Builder
	w.chunks = make([]rag.Chunk, len(w.in.Chunks))
	if settings.Source == rag.VectorsGiven {
		w.given = make([][]float32, len(w.in.Chunks))
	}
	runes, line := 0, 1
	for i, in := range w.in.Chunks {
		field := fmt.Sprintf("/chunks/%d", i)
		if i > 0 {
			text.WriteString("\n\n")
			runes, line = runes+2, line+2
		}
		body := normalised(in.Text)
		if body == "" {
			return rag.Invalid(field+"/text", "holds no text")
		}
		k := &w.chunks[i]
		k.Key.Ordinal, k.Text, k.TextHash = i, body, rag.TextHash("", body)
		k.Span = rag.Span{ByteStart: text.Len(), ByteEnd: text.Len() + len(body), CharStart: runes}
		k.Locator = rag.Locator{LineStart: line, LineEnd: line + strings.Count(body, "\n")}
		text.WriteString(body)
		runes, line = runes+utf8.RuneCountInString(body), k.Locator.LineEnd
		k.Span.CharEnd = runes
		if in.Vector == nil {
			continue
		}
		if w.given == nil {
			return rag.Invalid(field+"/vector", fmt.Sprintf("the server computes the vectors of collection %q; leave it out", c.Name))
		}
		vector, err := settings.Vector(field+"/vector", in.Vector)
		if err != nil {
			return err
		}
		w.given[i], k.TextHash = vector, rag.GivenHash("", body, vector)
	}
	w.parsed = rag.Parsed{Text: text.String(), Kind: rag.KindText, MediaType: "text/plain", Lines: true}
	w.in.Data = []byte(w.parsed.Text)
	return nil
}

// normalised is a given text as texts are stored: valid UTF-8 with "\n" at
// line ends, without NUL, or white space around it.
func normalised(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "", "\ufeff", "").Replace(s)
	return strings.TrimSpace(strings.ToValidUTF8(s, "\ufffd"))
}
