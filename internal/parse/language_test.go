package parse

import (
	"bufio"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

// sentences reads testdata/languages.txt: in each line a tag, "" for a text
// whose language is not known, and a text.
func sentences(t testing.TB) (tags, texts []string) {
	t.Helper()
	f, err := os.Open("testdata/languages.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		tag, text, ok := strings.Cut(lines.Text(), "\t")
		if !ok {
			t.Fatalf("%q has no tag", lines.Text())
		}
		tags, texts = append(tags, tag), append(texts, text)
	}
	return tags, texts
}

// TestLanguageOfSentences wants the language of whole sentences, and of short
// texts the right one or none. -v prints the shares.
func TestLanguageOfSentences(t *testing.T) {
	const short = 50 // characters
	right, none, all := map[bool]int{}, map[bool]int{}, map[bool]int{}
	tags, texts := sentences(t)
	for i, text := range texts {
		long := utf8.RuneCountInString(text) >= short
		got := Language(text)
		all[long]++
		switch {
		case got == tags[i]:
			right[long]++
		case got == "" && tags[i] != "":
			none[long]++
			t.Logf("undecided: %s %q", tags[i], text)
		case tags[i] == "" && (got == "fa" || got == "ur"): // not stemmed either
			right[long]++
		default:
			t.Errorf("%q is %q, want %q", text, got, tags[i])
		}
	}
	t.Logf("of %d sentences %d right, %d undecided; of %d short texts %d right, %d undecided",
		all[true], right[true], none[true], all[false], right[false], none[false])
	if right[true]*100 < all[true]*90 {
		t.Errorf("%d of %d sentences are told", right[true], all[true])
	}
	if right[false]*100 < all[false]*60 {
		t.Errorf("%d of %d short texts are told", right[false], all[false])
	}
}

func BenchmarkLanguage(b *testing.B) {
	_, texts := sentences(b)
	text := strings.Repeat(strings.Join(texts[:90], "\n"), 10)[:sampleBytes]
	b.SetBytes(sampleBytes)
	for b.Loop() {
		Language(text)
	}
}
