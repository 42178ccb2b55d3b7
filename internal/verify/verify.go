package verify

import (
	"unicode/utf8"

	"github.com/quarry-search/quarry/internal/rag"
)

// Quote reports whether quote is byte-equal to text at span, and returns the
// quote's SHA-256. Both sets of offsets must hold: bytes and code points.
// An empty quote proves nothing and is refused.
func Quote(text string, span rag.Span, quote string) (sum rag.Hash, ok bool) {
	if quote == "" || span.ByteStart < 0 || span.ByteStart > span.ByteEnd || span.ByteEnd > len(text) {
		return rag.Hash{}, false
	}
	if text[span.ByteStart:span.ByteEnd] != quote {
		return rag.Hash{}, false
	}
	if !utf8.ValidString(quote) || span.CharEnd-span.CharStart != utf8.RuneCountInString(quote) {
		return rag.Hash{}, false
	}
	if span.CharStart != utf8.RuneCountInString(text[:span.ByteStart]) {
		return rag.Hash{}, false
	}
	return rag.HashBytes([]byte(quote)), true
}
