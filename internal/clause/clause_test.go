package clause

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func text(s string) Clause    { return Clause{Text: s} }
func must(s string) Clause    { return Clause{Occur: Must, Text: s} }
func not(s string) Clause     { return Clause{Occur: MustNot, Text: s} }
func phrased(s string) Clause { return Clause{Kind: Phrase, Occur: Must, Text: s} }

func TestParse(t *testing.T) {
	tests := []struct {
		name, query string
		want        []Clause
	}{
		{"a question", "How do I re-index, if C++ isn't built?", []Clause{text("How do I re-index, if C++ isn't built?")}},
		{"nothing", " \n\t", nil},
		{"only signs", "- + -- ** ~ \"\"", nil},
		{"required and excluded", "disk +full -tape now", []Clause{text("disk"), must("full"), not("tape"), text("now")}},
		{"phrase", `what is "block max" here`, []Clause{text("what is"), phrased("block max"), text("here")}},
		{"phrase before a mark", `what is "block max"?`, []Clause{text("what is"), phrased("block max")}},
		{"signed phrases", `a +"b c" -"d e"`, []Clause{text("a"), phrased("b c"), {Kind: Phrase, Occur: MustNot, Text: "d e"}}},
		{"unbalanced", `say "hello world`, []Clause{text(`say "hello world`)}},
		{"inches", `a 5" pipe and a 6" valve`, []Clause{text(`a 5" pipe and a 6" valve`)}},
		{"a quote within a word", `"a"b c`, []Clause{text(`"a"b c`)}},
		{"prefix", "comput* of", []Clause{{Kind: Prefix, Text: "comput"}, text("of")}},
		{"not prefixes", "a*b A* **bold** *.go x** 2*3", []Clause{text("a*b A* **bold** *.go x** 2*3")}},
		{"signed prefixes", "x +pre* -post*", []Clause{text("x"), {Kind: Prefix, Occur: Must, Text: "pre"}, {Kind: Prefix, Occur: MustNot, Text: "post"}}},
		{"fuzzy", "recieve~1 acommodate~2", []Clause{{Kind: Fuzzy, Text: "recieve", Edits: 1}, {Kind: Fuzzy, Text: "acommodate", Edits: 2}}},
		{"not fuzzy", "to~1 four~2 word~3 word~ ~/bin a~b", []Clause{text("to~1 four~2 word~3 word~ ~/bin a~b")}},
		{"numbers", "below -5 or +49 and -2023", []Clause{text("below -5 or +49 and -2023")}},
		{"flags", "git commit -m --amend", []Clause{text("git commit -m --amend")}},
		{"ranges and dashes", "10-20 pages – or - more e-mail", []Clause{text("10-20 pages – or - more e-mail")}},
		{"a compound", "x -re-index", []Clause{text("x"), not("re-index")}},
		{"other scripts", "поиск +индекс -диск 信息 -检索", []Clause{text("поиск"), must("индекс"), not("диск"), text("信息"), not("检索")}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Parse(test.query)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got.Clauses); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPlain(t *testing.T) {
	for query, want := range map[string]string{
		"  How do I re-index C++?  ":               "  How do I re-index C++?  ",
		`disk +full -tape "raid 5" ext* recieve~1`: "disk full raid 5 ext recieve",
		"-only":   "-only",
		" -- ":    " -- ",
		`"alone"`: "alone",
	} {
		if got := Plain(query); got != want {
			t.Errorf("%q: %q, want %q", query, got, want)
		}
	}
}

func TestRefused(t *testing.T) {
	for name, query := range map[string]string{
		"only":       `-tape -"block max" -pre*`,
		"at most 64": strings.Repeat("+word ", MaxClauses+1),
		"bytes":      strings.Repeat("a ", MaxBytes),
	} {
		_, err := Parse(query)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(e.Message, name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// FuzzParse holds every text to: clauses have words, stand in the text in
// order, and lose no word of it; what a model reads has no more than was
// written.
func FuzzParse(f *testing.F) {
	f.Add(`what +is -"a b" pre* fuz~1 "x`)
	f.Add("don't -5 \"\" \"a\"b a*b C++ re-index +\"\xff\"")
	f.Fuzz(func(t *testing.T, query string) {
		q, err := Parse(query)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				t.Fatal(err)
			}
			return
		}
		rest := query
		for _, c := range q.Clauses {
			i := strings.Index(rest, c.Text)
			if !hasWord(c.Text) || i < 0 {
				t.Fatalf("clause %+v of %q", c, query)
			}
			if c.Kind == Words && c.Occur == Should && strings.TrimSpace(c.Text) != c.Text {
				t.Fatalf("clause %+v of %q", c, query)
			}
			if hasWord(rest[:i]) {
				t.Fatalf("%q of %q is lost", rest[:i], query)
			}
			rest = rest[i+len(c.Text):]
			if c.Kind == Fuzzy {
				rest = rest[len("~1"):]
			}
		}
		if hasWord(rest) {
			t.Fatalf("%q of %q is lost", rest, query)
		}
		if utf8.RuneCountInString(Plain(query)) > utf8.RuneCountInString(query)+len(q.Clauses) {
			t.Fatalf("%q grew to %q", query, Plain(query))
		}
	})
}
