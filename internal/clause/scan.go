package clause

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Least numbers of characters of a word with an operator: shorter ones are
// text, such as -m, A* or to~1.
const (
	leastSigned = 2
	leastPrefix = 2
	leastFuzzy1 = 3
	leastFuzzy2 = 5
)

// scanner splits a text at white space and at phrases.
type scanner struct {
	text    string
	clauses []Clause
	plain   int // bytes from here up to where the scan is are text; -1 for none
}

func (s *scanner) scan() {
	s.plain = -1
	for at := 0; at < len(s.text); {
		r, size := utf8.DecodeRuneInString(s.text[at:])
		if unicode.IsSpace(r) {
			at += size
			continue
		}
		c, end, ok := s.operator(at)
		if !ok {
			end = wordEnd(s.text, at)
			if s.plain < 0 {
				s.plain = at
			}
			at = end
			continue
		}
		s.flush(at)
		s.clauses = append(s.clauses, c)
		at = end
	}
	s.flush(len(s.text))
}

// flush makes a clause of the text that was passed.
func (s *scanner) flush(at int) {
	if s.plain >= 0 {
		if text := strings.TrimSpace(s.text[s.plain:at]); hasWord(text) {
			s.clauses = append(s.clauses, Clause{Text: text})
		}
	}
	s.plain = -1
}

// operator reads a clause with an operator at the start of a word.
func (s *scanner) operator(start int) (c Clause, end int, ok bool) {
	at := start
	switch s.text[at] {
	case '+':
		c.Occur, at = Must, at+1
	case '-':
		c.Occur, at = MustNot, at+1
	}
	if at < len(s.text) && s.text[at] == '"' {
		c.Text, end, ok = phrase(s.text, at)
		c.Kind = Phrase
		if c.Occur == Should {
			c.Occur = Must
		}
		return c, end, ok
	}
	end = wordEnd(s.text, at)
	word := s.text[at:end]
	if at > start && (!startsWithLetter(word) || characters(word) < leastSigned) {
		return c, end, false
	}
	c.Kind, c.Text, c.Edits = suffix(word)
	return c, end, c.Kind != Words || at > start
}

// suffix reads what stands at a word's end.
func suffix(word string) (kind Kind, text string, edits int) {
	n := len(word)
	switch {
	case strings.HasSuffix(word, "*") && single(word[:n-1]) && characters(word[:n-1]) >= leastPrefix:
		return Prefix, word[:n-1], 0
	case strings.HasSuffix(word, "~1") && single(word[:n-2]) && characters(word[:n-2]) >= leastFuzzy1:
		return Fuzzy, word[:n-2], 1
	case strings.HasSuffix(word, "~2") && single(word[:n-2]) && characters(word[:n-2]) >= leastFuzzy2:
		return Fuzzy, word[:n-2], 2
	}
	return Words, word, 0
}

// phrase reads from an opening quote to the next one, which must end a word.
func phrase(text string, at int) (inside string, end int, ok bool) {
	n := strings.IndexByte(text[at+1:], '"')
	if n < 0 {
		return "", 0, false
	}
	inside, end = text[at+1:at+1+n], at+n+2
	next, _ := utf8.DecodeRuneInString(text[end:])
	return inside, end, hasWord(inside) && (end == len(text) || !inWord(next))
}

func wordEnd(text string, at int) int {
	if n := strings.IndexFunc(text[at:], unicode.IsSpace); n >= 0 {
		return at + n
	}
	return len(text)
}

// inWord reports whether r is a letter, a digit, an underscore, or a mark on
// one.
func inWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

func startsWithLetter(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsLetter(r)
}

func hasWord(s string) bool { return strings.IndexFunc(s, inWord) >= 0 }

// single reports whether s is one word and nothing else.
func single(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !inWord(r) }) < 0
}

// characters counts the letters and digits of s.
func characters(s string) int {
	n := 0
	for _, r := range s {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			n++
		}
	}
	return n
}
