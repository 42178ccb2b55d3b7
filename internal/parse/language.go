package parse

import (
	"strings"
	"unicode"
)

// sampleBytes is how much of a text its language is guessed from.
const sampleBytes = 20_000

// Language guesses the language of prose as a BCP 47 tag, "" when unsure:
// by script, and for Latin script by frequent words and by letters that are not
// plain ones. It knows the languages that the index stems.
func Language(s string) string {
	if len(s) > sampleBytes {
		s = s[:sampleBytes]
	}
	if tag, sure := byScript(s); sure {
		return tag
	}
	t := tally{seen: map[string]bool{}}
	for w := range strings.FieldsFuncSeq(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) }) {
		t.word(w)
	}
	return t.best()
}

// byScript decides where most letters are of a script that one language, or a
// family of them, is written in. sure is false for Latin.
func byScript(s string) (tag string, sure bool) {
	var latin, han, kana, hangul, cyrillic, arabic, hebrew, greek, thai, devanagari, tamil int
	for _, r := range s {
		switch {
		case r < 0x80:
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
				latin++
			}
		case unicode.Is(unicode.Han, r):
			han++
		case unicode.In(r, unicode.Hiragana, unicode.Katakana):
			kana++
		case unicode.Is(unicode.Hangul, r):
			hangul++
		case unicode.Is(unicode.Cyrillic, r):
			cyrillic++
		case unicode.Is(unicode.Arabic, r):
			arabic++
		case unicode.Is(unicode.Hebrew, r):
			hebrew++
		case unicode.Is(unicode.Greek, r):
			greek++
		case unicode.Is(unicode.Thai, r):
			thai++
		case unicode.Is(unicode.Devanagari, r):
			devanagari++
		case unicode.Is(unicode.Tamil, r):
			tamil++
		case unicode.IsLetter(r):
			latin++
		}
	}
	for _, c := range []struct {
		tag   string
		count int
	}{
		{"ja", kana * 4}, {"zh", han * 2}, {"ko", hangul * 2}, {cyrillicTag(s), cyrillic}, {arabicTag(s), arabic}, {"he", hebrew},
		{"el", greek}, {"th", thai}, {"hi", devanagari}, {"ta", tamil},
	} {
		if c.count > latin {
			if c.tag == "zh" && kana*10 > han {
				return "ja", true
			}
			return c.tag, true
		}
	}
	return "", latin == 0
}

// arabicTag tells Persian and Urdu, which are not stemmed, by letters that
// Arabic lacks.
func arabicTag(s string) string {
	switch {
	case strings.ContainsAny(s, "ٹڈڑےں"):
		return "ur"
	case strings.ContainsAny(s, "پچژگی"):
		return "fa"
	}
	return "ar"
}

func cyrillicTag(s string) string {
	if strings.ContainsAny(s, "іїєґ") {
		return "uk"
	}
	return "ru"
}
