package chunk

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sentences returns the byte ranges of the sentences of text, in order, not
// overlapping, without surrounding white space. Every byte that is not white
// space is inside one. Lines that are no prose (list items, table rows,
// headings, lines of code) are sentences of their own; soft-wrapped lines of a
// paragraph are read as one.
func Sentences(text string) [][2]int {
	var out [][2]int
	groups(text, func(start, end int, prose bool) {
		if prose || end-start > longLine {
			out = appendSentences(out, text, start, end)
		} else {
			out = appendTrimmed(out, text, start, end)
		}
	})
	return out
}

// longLine is the length at which a line that stands alone is cut like prose.
const longLine = 400

// groups calls f for each stretch of lines that reads as one paragraph, and
// for each line that stands alone.
func groups(text string, f func(start, end int, prose bool)) {
	start, prevEnd, longest := -1, 0, 0
	fenced := false
	flush := func() {
		if start >= 0 {
			f(start, prevEnd, true)
		}
		start, longest = -1, 0
	}
	for at := 0; at < len(text); {
		end := lineEnd(text, at)
		line := text[at:end]
		body := strings.TrimSpace(line)
		fence := isFence(body)
		switch {
		case body == "":
			flush()
		case fence || fenced || standsAlone(line, body):
			flush()
			f(at, end, false)
			if fence {
				fenced = !fenced
			}
		default:
			if start >= 0 && (startsItem(body) || breaksAt(text[:prevEnd], body, longest)) {
				flush()
			}
			if start < 0 {
				start = at
			}
			prevEnd, longest = end, max(longest, len(line))
		}
		at = end + 1
	}
	flush()
}

func lineEnd(text string, at int) int {
	if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
		return at + i
	}
	return len(text)
}

func isFence(body string) bool {
	return strings.HasPrefix(body, "```") || strings.HasPrefix(body, "~~~")
}

// standsAlone reports lines that are never part of a wrapped paragraph.
func standsAlone(line, body string) bool {
	switch body[0] {
	case '#', '|', '}', '{':
		return true
	}
	if line[0] == '\t' || strings.HasPrefix(line, "    ") {
		return !startsItem(body)
	}
	switch body[len(body)-1] {
	case '{', '}', ';', '|':
		return true
	}
	return false
}

// startsItem reports list items and quotes: they begin a sentence, and the
// lines that follow may continue it.
func startsItem(body string) bool {
	switch body[0] {
	case '-', '*', '+', '>':
		return len(body) == 1 || body[1] == ' '
	}
	if strings.HasPrefix(body, "• ") {
		return true
	}
	i := 0
	for i < len(body) && i < 4 && body[i] >= '0' && body[i] <= '9' {
		i++
	}
	return i > 0 && i+1 < len(body) && (body[i] == '.' || body[i] == ')') && body[i+1] == ' '
}

// breaksAt reports whether the line break before next was meant: the next
// word would have fitted on the line before it. longest is the length of the
// paragraph's longest line so far.
func breaksAt(before, next string, longest int) bool {
	r, _ := utf8.DecodeRuneInString(next)
	if unicode.IsLower(r) {
		return false
	}
	last := before[strings.LastIndexByte(before, '\n')+1:]
	if strings.HasSuffix(last, ",") {
		return false
	}
	word := strings.IndexByte(next, ' ')
	if word < 0 {
		word = len(next)
	}
	return len(last)+1+word < max(longest, 50)*3/4
}

// appendSentences cuts text[start:end], one paragraph, at the ends of its
// sentences.
func appendSentences(out [][2]int, text string, start, end int) [][2]int {
	from := start
	for i := start; i < end; {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(text[i:end])
		}
		i += size
		if !terminal(r) {
			continue
		}
		stop, next := afterClosers(text, i, end)
		if ends(text, from, i, stop, next, end, r) {
			out = appendTrimmed(out, text, from, stop)
			from = stop
		}
		i = max(i, stop)
	}
	return appendTrimmed(out, text, from, end)
}

func terminal(r rune) bool {
	switch r {
	case '.', '!', '?', '…', '。', '！', '？', '｡', '।', '؟', '۔':
		return true
	}
	return false
}

// afterClosers moves past further marks and closing quotes and brackets after
// i, and returns that place and the rune that stands there (0 at the end).
func afterClosers(text string, i, end int) (int, rune) {
	for i < end {
		r, size := utf8.DecodeRuneInString(text[i:end])
		if !terminal(r) && !strings.ContainsRune(")]}\"'”’»」』）*_`", r) {
			return i, r
		}
		i += size
	}
	return i, 0
}

// ends decides whether the mark r, which ends at i, ends the sentence that
// began at from.
func ends(text string, from, i, stop int, next rune, end int, r rune) bool {
	if r == '。' || r == '！' || r == '？' || r == '｡' {
		return true
	}
	if next == 0 {
		return true
	}
	if !unicode.IsSpace(next) {
		return false
	}
	rest := strings.TrimLeftFunc(text[stop:min(end, stop+64)], unicode.IsSpace)
	follow, _ := utf8.DecodeRuneInString(rest)
	if unicode.IsLower(follow) {
		return false
	}
	if r != '.' || stop != i {
		return true
	}
	return !abbreviated(text[from:i-1], rest)
}

// abbreviated reports whether a full stop after before belongs to an
// abbreviation, an initial or a number of an item.
func abbreviated(before, rest string) bool {
	word := before[strings.LastIndexFunc(before, func(r rune) bool {
		return unicode.IsSpace(r) || r == '(' || r == '[' || r == '"' || r == '“'
	})+1:]
	if word == "" {
		return false
	}
	// The separator itself may be a rune of several bytes.
	word = strings.TrimLeft(word, "(\"“[\u00a0\u2009\u202f")
	if word == before && allDigits(word) {
		return true // "1." at the start numbers an item
	}
	if abbreviations[strings.ToLower(word)] {
		return true
	}
	first, n := utf8.DecodeRuneInString(word)
	if n == len(word) && unicode.IsUpper(first) {
		return !opens(rest)
	}
	if strings.Contains(word, ".") && len(word) <= 8 && unicode.IsLetter(first) && !strings.ContainsAny(word, "/_:") {
		return !opens(rest)
	}
	return false
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != "" && len(s) < 4
}

// opens reports whether rest starts with a word that usually opens a sentence.
func opens(rest string) bool {
	word := rest
	if i := strings.IndexFunc(rest, func(r rune) bool { return !unicode.IsLetter(r) }); i >= 0 {
		word = rest[:i]
	}
	return openers[word]
}

func appendTrimmed(out [][2]int, text string, start, end int) [][2]int {
	start, end = trim(text, start, end)
	if start < end {
		out = append(out, [2]int{start, end})
	}
	return out
}

// trim moves both ends of a range past white space.
func trim(text string, start, end int) (int, int) {
	s := strings.TrimLeftFunc(text[start:end], unicode.IsSpace)
	start = end - len(s)
	return start, start + len(strings.TrimRightFunc(s, unicode.IsSpace))
}

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

var abbreviations = set(`mr mrs ms dr prof st vs e.g i.e eg ie cf fig figs eq no nos vol pp p al
	approx dept est gen gov hon inc ltd co corp jr sr rev sen rep sec ch ca resp
	jan feb mar apr jun jul aug sep sept oct nov dec
	z.b bzw usw nr abb str ggf vgl evtl bspw d.h u.a inkl zzgl
	mme mlle av env sra sig dott ing art núm nº bijv dhr mevr o.a`)

var openers = set(`The This That These Those It He She They We You I In On At A An And But If When
	While For As There Its His Her Their Our After Before However Der Die Das Es Er Sie Wir
	Le La Les Il Elle El Los Las En`)
