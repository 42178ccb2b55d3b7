package bm25

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/english"
	"golang.org/x/text/unicode/norm"
)

// maxTermBytes cuts terms: longer ones are data, not words.
const maxTermBytes = 64

// Analyze calls emit for each term of text, in order: words of letters and
// digits, folded to lower case without diacritics and stemmed (Snowball
// English) when they are ASCII; for an identifier such as getHTTPResponse or
// max_size the whole and then its parts; for scripts without spaces, pairs of
// neighbouring characters. English stop words are dropped.
//
// The strings passed to emit may share memory with text.
func Analyze(text string, emit func(term string)) {
	a := analyzer{emit: emit}
	if !isASCII(text) {
		text = withoutDiacritics(text)
	}
	a.run(text)
}

// withoutDiacritics replaces compatibility forms by plain ones and drops
// combining diacritical marks. What else was taken apart (Korean syllables,
// voiced kana) is put together again.
func withoutDiacritics(text string) string {
	apart := norm.NFKD.String(text)
	return norm.NFC.String(strings.Map(func(r rune) rune {
		if r >= 0x300 && r <= 0x36f {
			return -1
		}
		return r
	}, apart))
}

// Terms returns the terms of text as Analyze emits them.
func Terms(text string) []string {
	var terms []string
	Analyze(text, func(t string) { terms = append(terms, t) })
	return terms
}

type analyzer struct {
	emit func(string)
	env  *snowballstem.Env
	buf  []byte
}

// class sorts runes for tokenisation.
type class uint8

const (
	space  class = iota
	word         // letters, digits, underscore
	joiner       // ' . , which belong to a word only between two such
	mark         // combining marks: kept or dropped, never a boundary
	dense        // scripts written without spaces
)

func classOf(r rune) class {
	if r < utf8.RuneSelf {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_':
			return word
		case r == '\'', r == '.', r == ',':
			return joiner
		}
		return space
	}
	switch {
	case r == '’':
		return joiner
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai):
		return dense
	case unicode.Is(unicode.Mn, r), unicode.Is(unicode.Mc, r):
		return mark
	case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsNumber(r):
		return word
	}
	return space
}

func (a *analyzer) run(text string) {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch classOf(r) {
		case word:
			end := wordEnd(text, i)
			a.word(text[i:end])
			i = end
		case dense:
			end := runEnd(text, i, dense)
			a.pairs(text[i:end])
			i = end
		default:
			i += size
		}
	}
}

// runEnd returns where the run of class c (and of marks) that starts at i ends.
func runEnd(text string, i int, c class) int {
	for i < len(text) {
		r, size := utf8.DecodeRuneInString(text[i:])
		if k := classOf(r); k != c && k != mark {
			break
		}
		i += size
	}
	return i
}

// wordEnd is runEnd for words, whose letters may be joined by an apostrophe
// and whose digits by a point or comma.
func wordEnd(text string, i int) int {
	for {
		i = runEnd(text, i, word)
		if i == len(text) {
			return i
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if classOf(r) != joiner || i+size == len(text) {
			return i
		}
		before, after := text[i-1], text[i+size]
		if r == '.' || r == ',' {
			if !isDigit(before) || !isDigit(after) {
				return i
			}
		} else if !isLetter(before) || !isLetter(after) {
			return i
		}
		i += size
	}
}

// pairs emits each pair of neighbouring characters, or the only one.
func (a *analyzer) pairs(run string) {
	previous := -1
	count := 0
	for i, r := range run {
		if classOf(r) == mark {
			continue
		}
		if previous >= 0 {
			a.emit(strings.ToLower(run[previous : i+utf8.RuneLen(r)]))
		}
		previous = i
		count++
	}
	if count == 1 {
		a.emit(run)
	}
}

// word emits a word, and its parts when it is an identifier.
func (a *analyzer) word(raw string) {
	a.term(raw)
	start := 0
	for i := 1; i < len(raw); i++ {
		if boundary(raw, i) {
			a.part(raw[start:i], raw)
			start = i
		}
	}
	if start > 0 {
		a.part(raw[start:], raw)
	}
}

// boundary reports whether a part of an identifier starts at i: after an
// underscore, at aB, and at the B of ABc.
func boundary(s string, i int) bool {
	before, at := s[i-1], s[i]
	if before == '_' {
		return at != '_'
	}
	if !isUpper(at) {
		return false
	}
	return isLower(before) || isUpper(before) && i+1 < len(s) && isLower(s[i+1])
}

func (a *analyzer) part(part, whole string) {
	part = strings.Trim(part, "_")
	if len(part) > 1 && part != strings.Trim(whole, "_") {
		a.term(part)
	}
}

// term folds, filters and stems one word.
func (a *analyzer) term(raw string) {
	raw = strings.Trim(raw, "_")
	term, ascii := a.fold(raw)
	if len(term) == 0 || ascii && stopWords[string(term)] {
		return
	}
	if len(term) > maxTermBytes {
		term = term[:maxTermBytes]
		for len(term) > 0 && !utf8.RuneStart(term[len(term)-1]) {
			term = term[:len(term)-1]
		}
	}
	s := string(term)
	if ascii && len(s) > 2 {
		s = a.stem(s)
	}
	a.emit(s)
}

// fold lowers a word and drops apostrophes and a possessive s.
func (a *analyzer) fold(raw string) (term []byte, ascii bool) {
	raw = strings.TrimSuffix(strings.TrimSuffix(raw, "'s"), "’s")
	a.buf = a.buf[:0]
	ascii = true
	for _, r := range raw {
		switch {
		case r < utf8.RuneSelf:
			if r >= 'A' && r <= 'Z' {
				r += 'a' - 'A'
			}
			if r != '\'' {
				a.buf = append(a.buf, byte(r))
			}
		case r == '’':
		default:
			if plain, ok := plainLetters[r]; ok {
				a.buf = append(a.buf, plain...)
				continue
			}
			ascii = false
			a.buf = utf8.AppendRune(a.buf, unicode.ToLower(r))
		}
	}
	return a.buf, ascii
}

func (a *analyzer) stem(s string) string {
	if a.env == nil {
		a.env = snowballstem.NewEnv(s)
	} else {
		a.env.SetCurrent(s)
	}
	english.Stem(a.env)
	return a.env.Current()
}

// plainLetters are letters that no decomposition makes plain.
var plainLetters = map[rune]string{
	'ß': "ss", 'ø': "o", 'Ø': "o", 'ł': "l", 'Ł': "l", 'æ': "ae", 'Æ': "ae",
	'œ': "oe", 'Œ': "oe", 'đ': "d", 'Đ': "d", 'ı': "i", 'þ': "th", 'Þ': "th", 'ð': "d",
}

// stopWords are Lucene's for English.
var stopWords = setOf("a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to was will with")

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLower(c byte) bool  { return c >= 'a' && c <= 'z' }
func isUpper(c byte) bool  { return c >= 'A' && c <= 'Z' }
func isLetter(c byte) bool { return isLower(c) || isUpper(c) || c >= utf8.RuneSelf }
