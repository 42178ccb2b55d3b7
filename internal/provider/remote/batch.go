package remote

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// estimate counts tokens without a tokenizer, rather too many than too few:
// a run of letters or digits of ASCII counts one for each started four
// characters (three for digits), other letters one for each started two, an
// ideograph or a syllable one each, every other visible character one, and a
// line or a run of spaces one. English prose comes out 10 to 30 % above byte-pair
// tokenizers; only encoded data (base64, hashes) has more tokens than this.
func estimate(text string) int {
	tokens := 0
	eachToken(text, func(int) bool { tokens++; return true })
	return tokens
}

// cut shortens text to its first n estimated tokens.
func cut(text string, n int) string {
	if len(text) <= n {
		return text // a token has a byte at least
	}
	tokens, end := 0, len(text)
	eachToken(text, func(start int) bool {
		if tokens++; tokens > n {
			end = start
		}
		return tokens <= n
	})
	return text[:end]
}

// class is a kind of characters that tokens are made of.
type class int

const (
	space class = iota
	asciiLetter
	digit
	letter
	single // a token by itself
)

// perToken is how many characters of a class make a token.
var perToken = [...]int{asciiLetter: 4, digit: 3, letter: 2, single: 1}

// eachToken calls f with the place where each estimated token starts, until f
// returns false.
func eachToken(text string, f func(start int) bool) {
	run, last, spaces := 0, single, 0
	for i, r := range text {
		c := classOf(r)
		if c == space {
			if spaces++; (spaces == 2 || r == '\n') && !f(i) {
				return
			}
			last, run = space, 0
			continue
		}
		spaces = 0
		if c != last {
			last, run = c, 0
		}
		if run%perToken[c] == 0 && !f(i) {
			return
		}
		run++
	}
}

func classOf(r rune) class {
	switch {
	case r == ' ' || unicode.IsSpace(r):
		return space
	case 'a' <= r|0x20 && r|0x20 <= 'z':
		return asciiLetter
	case '0' <= r && r <= '9':
		return digit
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai):
		return single
	case unicode.IsLetter(r) || unicode.IsMark(r):
		return letter
	}
	return single
}

// blank stands for a text without words: many servers refuse those, and what
// stands for nothing must still be a vector.
const blank = "."

// prepare makes a text fit to be sent: valid UTF-8, with its prompt, within the
// model's limit, and never blank.
func (o Options) prepare(query bool, text string) string {
	prompt := o.PassagePrompt
	if query {
		prompt = o.QueryPrompt
	}
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	if strings.TrimSpace(text) == "" {
		text = blank
	}
	return cut(prompt+text, o.MaxTokens)
}

// batches cuts texts, in order, into ranges within both limits. A text that is
// over the limit of tokens by itself goes alone.
func batches(texts []string, most, mostTokens int) (ranges [][2]int) {
	first, tokens := 0, 0
	for i, text := range texts {
		n := estimate(text)
		if i > first && (i-first == most || tokens+n > mostTokens) {
			ranges = append(ranges, [2]int{first, i})
			first, tokens = i, 0
		}
		tokens += n
	}
	if len(texts) > 0 {
		ranges = append(ranges, [2]int{first, len(texts)})
	}
	return ranges
}
