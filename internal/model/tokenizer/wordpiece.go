package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// WordPiece is BERT's tokenizer: clean, lower and split text at spaces and
// punctuation, then cut each word into the longest known pieces.
// (Devlin et al. 2019, arXiv:1810.04805.)
type WordPiece struct {
	wordPieces
	cfg        wordPieceConfig
	size       int
	start, end int32
}

func openWordPiece(line []byte, vocab string) (*WordPiece, error) {
	w := &WordPiece{wordPieces: wordPieces{words: make(map[string]int32, 1<<15), parts: make(map[string]int32, 1<<13)}}
	if err := json.Unmarshal(line, &w.cfg); err != nil {
		return nil, fmt.Errorf("read tokenizer: %w", err)
	}
	if w.cfg.Prefix == "" || w.cfg.MaxChars <= 0 {
		return nil, fmt.Errorf("read tokenizer: WordPiece needs a prefix and a positive max_chars")
	}
	w.maxChars = w.cfg.MaxChars
	for token := range strings.SplitSeq(vocab, "\n") {
		if part, ok := strings.CutPrefix(token, w.cfg.Prefix); ok {
			w.parts[part] = int32(w.size)
		} else {
			w.words[token] = int32(w.size)
		}
		w.longest = max(w.longest, len(token))
		w.size++
	}
	for _, s := range []struct {
		token string
		id    *int32
	}{{w.cfg.Start, &w.start}, {w.cfg.End, &w.end}, {w.cfg.Unknown, &w.unknown}} {
		id, ok := w.words[s.token]
		if !ok {
			return nil, fmt.Errorf("read tokenizer: special token %q is not in the vocabulary", s.token)
		}
		*s.id = id
	}
	return w, nil
}

// VocabSize implements Tokenizer.
func (w *WordPiece) VocabSize() int { return w.size }

// Encode implements Tokenizer.
func (w *WordPiece) Encode(text string, maxTokens int) []int32 {
	room := max(0, maxTokens-2)
	ids := append(make([]int32, 0, min(room+2, len(text)/3+4)), w.start)
	ids = w.pieces(ids, text, room+1)
	return append(ids[:min(len(ids), room+1)], w.end)
}

// EncodePair implements Tokenizer.
func (w *WordPiece) EncodePair(a, b string, maxTokens int) ([]int32, int) {
	room := max(0, maxTokens-3)
	pa, pb := w.pieces(nil, a, room), w.pieces(nil, b, room)
	na, nb := len(pa), len(pb)
	if na >= room && nb >= room { // which is the longer one decides an odd place
		na, nb = w.CountTokens(a), w.CountTokens(b)
	}
	na, nb = truncatePair(na, nb, room)
	ids := make([]int32, 0, na+nb+3)
	ids = append(ids, w.start)
	ids = append(ids, pa[:na]...)
	ids = append(ids, w.end)
	second := len(ids)
	ids = append(ids, pb[:nb]...)
	return append(ids, w.end), second
}

// CountTokens implements Tokenizer.
func (w *WordPiece) CountTokens(text string) int {
	const window = 1024
	var s splitter
	var buf [window]int32
	ids, count := buf[:0], 0
	for s.open(w, text); !s.done(); {
		ids = s.fill(ids[:0], window/2)
		count += len(ids)
	}
	return count
}

// pieces appends the ids of text until there are limit or a little more.
func (w *WordPiece) pieces(ids []int32, text string, limit int) []int32 {
	var s splitter
	s.open(w, text)
	return s.fill(ids, limit)
}

// splitter walks a text chunk by chunk: chunks end at ASCII white space, so
// that only those with other characters pay for normalisation.
type splitter struct {
	w    *WordPiece
	rest string
	word []byte
	buf  [256]byte
}

func (s *splitter) open(w *WordPiece, text string) {
	s.w, s.rest = w, text
	s.word = s.buf[:0]
}

func (s *splitter) done() bool { return s.rest == "" }

// fill appends ids until there are limit or the text ends; the last word may
// go past the limit.
func (s *splitter) fill(ids []int32, limit int) []int32 {
	for s.rest != "" && len(ids) < limit {
		if !s.w.cfg.Lowercase || !s.w.cfg.StripAccents || !s.w.cfg.CleanText {
			ids = s.chunk(ids)
			continue
		}
		ids = s.ascii(ids)
	}
	return ids
}

// The classes of ASCII characters.
const (
	classOther uint8 = iota // not ASCII
	classWord
	classUpper
	classSpace
	classDrop
	classPunct
)

var classes = func() (t [256]uint8) {
	for c := range 128 {
		switch r := rune(c); {
		case r == ' ' || r == '\t' || r == '\n' || r == '\r':
			t[c] = classSpace
		case r < ' ' || r == 127:
			t[c] = classDrop
		case r >= 'A' && r <= 'Z':
			t[c] = classUpper
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			t[c] = classWord
		default:
			t[c] = classPunct
		}
	}
	return t
}()

// ascii takes one chunk; if it meets another character, it leaves the chunk
// to s.chunk.
func (s *splitter) ascii(ids []int32) []int32 {
	text, base := s.rest, len(ids)
	word := s.word[:0]
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch classes[c] {
		case classWord:
			word = append(word, c)
		case classUpper:
			word = append(word, c+'a'-'A')
		case classSpace:
			s.rest = text[i+1:]
			s.word = word
			return s.flush(ids)
		case classPunct:
			s.word = word
			ids = s.flush(ids)
			s.word = append(s.word[:0], c)
			ids = s.flush(ids)
			word = s.word
		case classOther:
			s.word = word[:0]
			return s.chunk(ids[:base])
		}
	}
	s.rest, s.word = "", word
	return s.flush(ids)
}

// chunk takes one chunk the general way: clean, decompose, drop marks, lower,
// then split.
func (s *splitter) chunk(ids []int32) []int32 {
	end := strings.IndexAny(s.rest, " \t\n\r")
	text := s.rest
	if end < 0 {
		s.rest = ""
	} else {
		text, s.rest = s.rest[:end], s.rest[end+1:]
	}
	s.w.split(text, func(r rune) { s.word = utf8.AppendRune(s.word, r) }, func() { ids = s.flush(ids) })
	return ids
}

// split normalises text and gives its words: add for each character of one,
// end after each (and perhaps after none).
func (w *WordPiece) split(text string, add func(rune), end func()) {
	for _, r := range w.normalise(text) {
		switch {
		case unicode.IsSpace(r):
			end()
		case isPunctuation(r) || w.cfg.ChineseChars && unicode.Is(chinese, r):
			end()
			add(r)
			end()
		default:
			add(r)
		}
	}
	end()
}

// normalise is the reference's BertNormalizer, except for the spaces around
// Chinese characters, which the splitter stands in for.
func (w *WordPiece) normalise(text string) string {
	if w.cfg.CleanText {
		text = strings.Map(func(r rune) rune {
			switch {
			case r == 0 || r == utf8.RuneError || isControl(r):
				return -1
			case unicode.IsSpace(r):
				return ' '
			}
			return r
		}, text)
	}
	if w.cfg.StripAccents {
		text = strings.Map(func(r rune) rune {
			if isMark(r) {
				return -1
			}
			return r
		}, decompose(text))
	}
	if w.cfg.Lowercase {
		text = strings.ReplaceAll(text, "İ", "i̇")
		text = strings.Map(lower, text)
	}
	return text
}

// decompose is NFD of the reference's Unicode, which does not know the
// decomposition of U+11938.
func decompose(text string) string {
	const kept = "\U00011938"
	head, tail, found := strings.Cut(text, kept)
	if !found {
		return norm.NFD.String(text)
	}
	return norm.NFD.String(head) + kept + decompose(tail)
}

// flush appends the pieces of the word and empties it.
func (s *splitter) flush(ids []int32) []int32 {
	word := s.word
	s.word = s.word[:0]
	if len(word) == 0 {
		return ids
	}
	if len(word) > 1<<16 {
		s.word = s.buf[:0] // a giant is not kept
	}
	return s.w.append(ids, word)
}
