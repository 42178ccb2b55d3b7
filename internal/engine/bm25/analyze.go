package bm25

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxTermBytes cuts terms and forms: longer ones are data, not words.
const maxTermBytes = 64

// Token is one word of a text.
type Token struct {
	// Form is the word as it is written, but lower case, without diacritics,
	// apostrophes and a possessive s. It does not depend on the language:
	// phrases, prefixes and fuzzy words are compared with forms.
	Form string
	// Term is what the word is scored by: its stem; "" for a stop word.
	Term string
	// Part says that the token is a part of the identifier before it.
	Part bool
}

// Analyze calls emit for each token of text, in order: words of letters and
// digits; for an identifier such as getHTTPResponse or max_size the whole and
// then its parts; for scripts without spaces, pairs of neighbouring
// characters. Stop words and stems (Snowball) are those of the language;
// words of another script than the language's are stemmed as English when
// they are Latin, else not at all.
//
// The strings passed to emit may share memory with text.
func Analyze(language Language, text string, emit func(t Token)) {
	a := analyzer{emit: emit, language: language}
	if !isASCII(text) {
		text = norm.NFKC.String(text)
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

// Terms returns the terms of an English text, without its stop words.
func Terms(text string) []string {
	var terms []string
	Analyze(English, text, func(t Token) {
		if t.Term != "" {
			terms = append(terms, t.Term)
		}
	})
	return terms
}

type analyzer struct {
	emit     func(Token)
	language Language
	stemmer  stemmer
	buf      []byte
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
			a.plain(strings.ToLower(withoutDiacritics(run[previous : i+utf8.RuneLen(r)])))
		}
		previous = i
		count++
	}
	if count == 1 {
		a.plain(withoutDiacritics(run))
	}
}

// plain emits a token whose form is its term.
func (a *analyzer) plain(s string) {
	if s = cut(s); s != "" {
		a.emit(Token{Form: s, Term: s})
	}
}

// word emits a word, and its parts when it is an identifier.
func (a *analyzer) word(raw string) {
	a.token(raw, false)
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
		a.token(part, true)
	}
}

// token folds, filters and stems one word.
func (a *analyzer) token(raw string, part bool) {
	raw = strings.Trim(raw, "_")
	raw = strings.TrimSuffix(strings.TrimSuffix(raw, "'s"), "’s")
	form := a.form(raw)
	if form == "" {
		return
	}
	t := Token{Form: form, Part: part}
	if !a.language.stops(form) {
		t.Term = a.term(raw, form)
	}
	a.emit(t)
}

// form folds a word.
func (a *analyzer) form(raw string) string {
	if !isASCII(raw) {
		raw = withoutDiacritics(raw)
	}
	a.buf = a.buf[:0]
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
			a.buf = utf8.AppendRune(a.buf, unicode.ToLower(r))
		}
	}
	return cut(string(a.buf))
}

// term stems a word. English is stemmed after its diacritics are gone, as are
// words that have none; the other languages' endings are told by them, so that
// their words are stemmed first and folded then.
func (a *analyzer) term(raw, form string) string {
	first, _ := utf8.DecodeRuneInString(raw)
	language := a.language.forScript(first)
	switch {
	case language == none || len(form) <= 2:
		return form
	case isASCII(raw) || language == English:
		if !isASCII(form) {
			return form
		}
		return a.stemmer.stem(language, form)
	}
	lower := cut(strings.ToLower(apostrophes.Replace(raw)))
	if folded := a.form(a.stemmer.stem(language, lower)); folded != "" {
		return folded
	}
	return form
}

var apostrophes = strings.NewReplacer("'", "", "’", "")

// cut shortens what is longer than a term may be, at a character.
func cut(s string) string {
	if len(s) <= maxTermBytes {
		return s
	}
	s = s[:maxTermBytes]
	for len(s) > 0 && !utf8.RuneStart(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	if len(s) > 0 && s[len(s)-1] >= utf8.RuneSelf {
		s = s[:len(s)-1]
	}
	return s
}

// plainLetters are letters that no decomposition makes plain.
var plainLetters = map[rune]string{
	'ß': "ss", 'ø': "o", 'Ø': "o", 'ł': "l", 'Ł': "l", 'æ': "ae", 'Æ': "ae",
	'œ': "oe", 'Œ': "oe", 'đ': "d", 'Đ': "d", 'ı': "i", 'þ': "th", 'Þ': "th", 'ð': "d",
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
