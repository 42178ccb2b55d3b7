package chunk

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestSentences(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"One. Two! Three? Four", "One.|Two!|Three?|Four"},
		{"Dr. Smith paid 3.5 dollars. He left at 5 p.m. and slept.", "Dr. Smith paid 3.5 dollars.|He left at 5 p.m. and slept."},
		{"J. K. Rowling wrote it. It sold.", "J. K. Rowling wrote it.|It sold."},
		{"The U.S. Army came. In the U.S. The army left.", "The U.S. Army came.|In the U.S.|The army left."},
		{"See e.g. Fig. 3 for more. Done.", "See e.g. Fig. 3 for more.|Done."},
		{"He said \"Go.\" Then he went.", "He said \"Go.\"|Then he went."},
		{"これは文です。次の文です！最後？", "これは文です。|次の文です！|最後？"},
		{"A line that is\nwrapped softly here. Next one.", "A line that is\nwrapped softly here.|Next one."},
		{"Para one\n\nPara two", "Para one|Para two"},
		{"- item one\n- item two\n  goes on\n1. first\n2. second", "- item one|- item two\n  goes on|1. first|2. second"},
		{"# Title\nText here. More.", "# Title|Text here.|More."},
		{"| a | b |\n| 1 | 2 |", "| a | b ||| 1 | 2 |"},
		{"func f() {\n\treturn 1\n}", "func f() {|return 1|}"},
		{"```\na.b c. D\n```", "```|a.b c. D|```"},
		{"Package: foo\nDepends: bar", "Package: foo|Depends: bar"},
		{"Das ist z.B. gut. Es geht.", "Das ist z.B. gut.|Es geht."},
		{"Visit example.com now. OK.", "Visit example.com now.|OK."},
		{"Wait... what? Yes!", "Wait... what?|Yes!"},
		{"", ""},
		{" \n\t ", ""},
	} {
		var got []string
		for _, r := range Sentences(tc.text) {
			got = append(got, tc.text[r[0]:r[1]])
		}
		if diff := cmp.Diff(tc.want, strings.Join(got, "|")); diff != "" {
			t.Errorf("%q: (-want +got)\n%s", tc.text, diff)
		}
	}
}

func checkSentences(t interface{ Fatalf(string, ...any) }, text string) {
	end := 0
	for _, r := range Sentences(text) {
		if r[0] < end || r[1] <= r[0] || r[1] > len(text) {
			t.Fatalf("%q: range %v after %d", text, r, end)
		}
		if strings.TrimSpace(text[end:r[0]]) != "" {
			t.Fatalf("%q: %q is in no sentence", text, text[end:r[0]])
		}
		if s := text[r[0]:r[1]]; s != strings.TrimSpace(s) {
			t.Fatalf("%q has white space around it", s)
		}
		end = r[1]
	}
	if strings.TrimSpace(text[end:]) != "" {
		t.Fatalf("%q: %q is in no sentence", text, text[end:])
	}
}

func TestSentencesCoverText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
			". ", "\n", "\n\n", "A", " b", "Dr.", "1.", "- x", "```\n", "    c", "。", "”", "\u2009X. Y", "(", "{\n",
		}))).Draw(t, "parts")
		checkSentences(t, strings.Join(parts, ""))
	})
}

func FuzzSentences(f *testing.F) {
	f.Add("One. Two! Dr. X went to the U.S. Then.\n- item\n\n```\ncode. C\n```\n")
	f.Add("これは文です。次\u2028 \xff. A")
	f.Fuzz(func(t *testing.T, text string) { checkSentences(t, text) })
}

func BenchmarkSentences(b *testing.B) {
	text := strings.Repeat("The quarry holds 3.5 t of stone, e.g. marble. Dr. Ash said so! Is it true?\n", 10_000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Sentences(text)
	}
}
