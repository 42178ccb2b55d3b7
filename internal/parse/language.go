package parse

import (
	"strings"
	"unicode"
)

// sampleBytes is how much of a text its language is guessed from.
const sampleBytes = 20_000

// Language guesses the language of prose as a BCP 47 tag, "" when unsure:
// by script, and for Latin script by the share of frequent words.
func Language(s string) string {
	if len(s) > sampleBytes {
		s = s[:sampleBytes]
	}
	if tag, sure := byScript(s); sure {
		return tag
	}
	counts, total := map[string]int{}, 0
	for _, w := range strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) }) {
		total++
		for _, tag := range stopWords[w] {
			counts[tag]++
		}
	}
	best, second := "", ""
	for _, tag := range languageTags {
		if counts[tag] > counts[best] {
			best, second = tag, best
		} else if counts[tag] > counts[second] {
			second = tag
		}
	}
	if best == "" || counts[best] < 3 || counts[best]*8 < total || counts[best]*4 < counts[second]*5 {
		return ""
	}
	return best
}

// byScript decides where most letters are of a script that one language, or a
// family of them, is written in. sure is false for Latin.
func byScript(s string) (tag string, sure bool) {
	var latin, han, kana, hangul, cyrillic, arabic, hebrew, greek, thai, devanagari int
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
		case unicode.IsLetter(r):
			latin++
		}
	}
	for _, c := range []struct {
		tag   string
		count int
	}{
		{"ja", kana * 4}, {"zh", han * 2}, {"ko", hangul * 2}, {cyrillicTag(s), cyrillic}, {"ar", arabic}, {"he", hebrew},
		{"el", greek}, {"th", thai}, {"hi", devanagari},
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

func cyrillicTag(s string) string {
	if strings.ContainsAny(s, "іїєґ") {
		return "uk"
	}
	return "ru"
}

var languageTags = []string{"en", "de", "fr", "es", "it", "pt", "nl"}

var stopWords = func() map[string][]string {
	m := map[string][]string{}
	for tag, words := range map[string]string{
		"en": "the of and to in is that it for was on are with as be this by not or from have an at which but they you we were has",
		"de": "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat dass sie nach wird bei",
		"fr": "de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont avec ou son aux cette",
		"es": "de la que el en y a los se del las un por con no una su para es al lo como más o pero sus le ha este",
		"it": "di e il la che in un a per è una del sono con si non della le da al dei nel anche più ha come gli alla questo",
		"pt": "de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao ele das tem à são",
		"nl": "de van het een en in is dat op te zijn met voor niet die aan er om ook als bij door naar wordt maar worden uit deze",
	} {
		for w := range strings.FieldsSeq(words) {
			m[w] = append(m[w], tag)
		}
	}
	return m
}()
