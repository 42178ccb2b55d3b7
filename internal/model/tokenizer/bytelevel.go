package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// gpt2Pattern is the split that byte-level BPE models share. It is written out
// as gpt2Words, since it looks ahead, which Go's regular expressions do not.
const gpt2Pattern = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

// byteAlphabet maps each byte to the printable character that stands for it in
// byte-level vocabularies (Radford et al. 2019).
var byteAlphabet = func() (alphabet [256]string) {
	next := rune(256)
	for b := range alphabet {
		r := rune(b)
		if !(b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE) {
			r = next
			next++
		}
		alphabet[b] = string(r)
	}
	return alphabet
}()

func byteLevelSplit(addSpace, useRegex bool) preTokenizer {
	return func(text string, _ bool, emit func(string)) {
		if addSpace && !strings.HasPrefix(text, " ") {
			text = " " + text
		}
		if !useRegex {
			emit(text)
			return
		}
		gpt2Words(text, func(start, end int) { emit(text[start:end]) })
	}
}

// gpt2Words calls match for each piece of gpt2Pattern; together they cover the
// whole text.
func gpt2Words(text string, match func(start, end int)) {
	for i := 0; i < len(text); {
		n := gpt2Word(text[i:])
		match(i, i+n)
		i += n
	}
}

// gpt2Word returns the length of the piece that s, which is not empty, begins
// with.
func gpt2Word(s string) int {
	if s[0] == '\'' {
		if n := contraction(s); n > 0 {
			return n
		}
	}
	skip := 0
	if s[0] == ' ' && len(s) > 1 {
		skip = 1
	}
	r, size := utf8.DecodeRuneInString(s[skip:])
	switch class := classOfRune(r); {
	case class != spaceClass:
		end := skip + size
		for end < len(s) {
			r, size := utf8.DecodeRuneInString(s[end:])
			if classOfRune(r) != class {
				break
			}
			end += size
		}
		return end
	default:
		return spaces(s)
	}
}

// spaces returns how much of a run of white space is one piece: all of it at
// the end of the text, else all but its last character, unless it is alone.
func spaces(s string) int {
	end, last := 0, 0
	for end < len(s) {
		r, size := utf8.DecodeRuneInString(s[end:])
		if classOfRune(r) != spaceClass {
			break
		}
		last = end
		end += size
	}
	if end == len(s) || last == 0 {
		return end
	}
	return last
}

func contraction(s string) int {
	for _, c := range [...]string{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"} {
		if strings.HasPrefix(s, c) {
			return len(c)
		}
	}
	return 0
}

const (
	letterClass = iota
	numberClass
	spaceClass
	otherClass
)

func classOfRune(r rune) int {
	if r < 0x80 {
		switch {
		case r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z':
			return letterClass
		case r >= '0' && r <= '9':
			return numberClass
		case r == ' ' || r >= '\t' && r <= '\r':
			return spaceClass
		}
		return otherClass
	}
	switch {
	case unicode.IsLetter(r):
		return letterClass
	case unicode.IsNumber(r):
		return numberClass
	case unicode.IsSpace(r):
		return spaceClass
	}
	return otherClass
}
