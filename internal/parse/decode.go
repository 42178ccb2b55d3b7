package parse

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/quarry-search/quarry/internal/rag"
)

var (
	bomUTF8    = []byte("\xef\xbb\xbf")
	bomLittle  = []byte("\xff\xfe")
	bomBig     = []byte("\xfe\xff")
	bomUTF32LE = []byte("\xff\xfe\x00\x00")
)

func utf16Marked(data []byte) bool {
	return (bytes.HasPrefix(data, bomLittle) || bytes.HasPrefix(data, bomBig)) && !bytes.HasPrefix(data, bomUTF32LE)
}

// decode returns normalised text of UTF-8, or of UTF-16 with a byte order
// mark. Anything else is refused: a wrong guess would become content.
func decode(data []byte) (string, error) {
	data = bytes.TrimPrefix(data, bomUTF8)
	if utf16Marked(data) {
		s, ok := decodeUTF16(data)
		if !ok || strings.IndexByte(s, 0) >= 0 {
			return "", rag.Skip(rag.ReasonEncoding, "not valid UTF-16")
		}
		return normalise(s), nil
	}
	if !utf8.Valid(data) {
		return "", rag.Skip(rag.ReasonEncoding, fmt.Sprintf("not valid UTF-8 at byte %d", firstInvalid(data)))
	}
	return normalise(string(data)), nil
}

func firstInvalid(data []byte) int {
	for at := 0; at < len(data); {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return len(data)
}

// decodeUTF16 fails on odd lengths and unpaired surrogates.
func decodeUTF16(data []byte) (string, bool) {
	order := binary.ByteOrder(binary.LittleEndian)
	if bytes.HasPrefix(data, bomBig) {
		order = binary.BigEndian
	}
	data = data[2:]
	if len(data)%2 != 0 {
		return "", false
	}
	var b strings.Builder
	b.Grow(len(data))
	for at := 0; at < len(data); at += 2 {
		r := rune(order.Uint16(data[at:]))
		if utf16.IsSurrogate(r) {
			if at+4 > len(data) {
				return "", false
			}
			at += 2
			if r = utf16.DecodeRune(r, rune(order.Uint16(data[at:]))); r == utf8.RuneError {
				return "", false
			}
		}
		b.WriteRune(r)
	}
	return b.String(), true
}

// normalise writes line ends as "\n" and other control characters as spaces.
func normalise(s string) string {
	if strings.IndexFunc(s, control) < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\r' && i+1 < len(s) && s[i+1] == '\n':
		case c == '\r':
			b.WriteByte('\n')
		case control(rune(c)):
			b.WriteByte(' ')
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// control reports the C0 control characters that normalise replaces, and DEL.
func control(r rune) bool {
	return r < ' ' && r != '\n' && r != '\t' || r == 0x7f
}
