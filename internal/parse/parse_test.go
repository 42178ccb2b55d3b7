package parse

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/internal/rag"
)

func parseOf(t *testing.T, uri, media, content string) rag.Parsed {
	t.Helper()
	p, err := New(Limits{}, nil).Parse(context.Background(), Input{URI: uri, MediaType: media, Data: []byte(content)})
	if err != nil {
		t.Fatalf("parse %s: %v", uri, err)
	}
	checkParsed(t, p)
	return p
}

// checkParsed holds what every parser promises.
func checkParsed(t interface{ Fatalf(string, ...any) }, p rag.Parsed) {
	if !utf8.ValidString(p.Text) || !utf8.ValidString(p.Title) {
		t.Fatalf("not valid UTF-8")
	}
	if i := strings.IndexFunc(p.Text, control); i >= 0 {
		t.Fatalf("control character %q in the text", p.Text[i])
	}
	end := 0
	for i, bl := range p.Blocks {
		if bl.Start < end || bl.End <= bl.Start || bl.End > len(p.Text) {
			t.Fatalf("block %d: %d to %d after %d, text has %d bytes", i, bl.Start, bl.End, end, len(p.Text))
		}
		if gap := p.Text[end:bl.Start]; strings.TrimSpace(gap) != "" {
			t.Fatalf("%q is in no block", gap)
		}
		if s := p.Text[bl.Start:bl.End]; !utf8.ValidString(s) {
			t.Fatalf("block %d cuts a rune", i)
		}
		if bl.Kind == rag.BlockHeading && (bl.Level < 1 || bl.Level > 6) {
			t.Fatalf("heading of level %d", bl.Level)
		}
		end = bl.End
	}
	if gap := p.Text[end:]; strings.TrimSpace(gap) != "" {
		t.Fatalf("%q at the end is in no block", gap)
	}
	last := 0
	for _, at := range p.Pages {
		if at < last || at > len(p.Text) {
			t.Fatalf("page at %d after %d", at, last)
		}
		last = at
	}
}

// show writes blocks one a line: kind, level, title or symbol, and text.
func show(p rag.Parsed) string {
	kinds := []string{"par", "head", "list", "table", "code"}
	var b strings.Builder
	for _, bl := range p.Blocks {
		b.WriteString(kinds[bl.Kind])
		if bl.Kind == rag.BlockHeading {
			b.WriteString(strings.Repeat("#", bl.Level) + " " + bl.Title)
		}
		if bl.Symbol != "" {
			b.WriteString(" <" + bl.Symbol + ">")
		}
		b.WriteString(": " + strings.ReplaceAll(p.Text[bl.Start:bl.End], "\n", "⏎") + "\n")
	}
	return b.String()
}

func TestMarkdown(t *testing.T) {
	p := parseOf(t, "a.md", "", "\ufeff---\r\ntitle: \"The Guide\"\r\n---\r\n# Intro to `x` and [y](z)\r\n\r\nText one\ngoes on.\n\n- a\n- b\n  - c\n\n"+
		"```go\nfunc f() {}\n\n```\n\n```\nplain\n```\n\nSetext\n------\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> quote\n\n[ref]: http://x\n\n    indented\n\n1. one\n2. two\n")
	want := `code: ---⏎title: "The Guide"⏎---
head# Intro to x and y: # Intro to ` + "`x`" + ` and [y](z)
par: Text one⏎goes on.
list: - a⏎- b⏎  - c
code: ` + "```go⏎func f() {}⏎⏎```" + `
code: ` + "```⏎plain⏎```" + `
head## Setext: Setext⏎------
table: | a | b |⏎|---|---|⏎| 1 | 2 |
par: > quote
par: [ref]: http://x
code:     indented
list: 1. one⏎2. two
`
	if diff := cmp.Diff(want, show(p)); diff != "" {
		t.Error(diff)
	}
	if p.Title != "The Guide" || p.Kind != rag.KindMarkdown || !p.Lines {
		t.Errorf("title %q, kind %s, lines %v", p.Title, p.Kind, p.Lines)
	}
}

func TestPlain(t *testing.T) {
	p := parseOf(t, "README", "", "The first paragraph\nof the text is this.\n\n \nThe second one.\x1b[0m\u2028x\r\rEnd")
	if diff := cmp.Diff("par: The first paragraph⏎of the text is this.\npar: The second one. [0m\u2028x\npar: End\n", show(p)); diff != "" {
		t.Error(diff)
	}
}

func TestHTML(t *testing.T) {
	p := parseOf(t, "a.html", "", `<html lang="en-GB"><head><title>The  Page</title><style>p{}</style></head><body>
<nav><ul><li>Home</li></ul></nav><h1>Main <em>title</em></h1><p>One<br>two &amp; three.</p><script>var x</script>
<ul><li>a<li>b <ul><li>c</ul></ul><pre>  code
   more</pre><table><tr><th>A<th>B</tr><tr><td>1<td>2</tr></table><h2>Sub</h2>Loose text<footer>(c)</footer></body></html>`)
	want := `head# Main title: Main title
par: One⏎two & three.
list: - a⏎- b⏎- c
code:   code⏎   more
table: A | B⏎1 | 2
head## Sub: Sub
par: Loose text
`
	if diff := cmp.Diff(want, show(p)); diff != "" {
		t.Error(diff)
	}
	if p.Title != "The Page" || p.Language != "en" || p.Kind != rag.KindHTML || p.Lines {
		t.Errorf("title %q, language %q, kind %s, lines %v", p.Title, p.Language, p.Kind, p.Lines)
	}
}

func TestHTMLBoilerplate(t *testing.T) {
	sentence := "The quarry gives limestone of a pale colour, which masons of the town have cut for four hundred years, as the records say. "
	p := parseOf(t, "a.html", "", `<html><head><title>Stone</title></head><body><div class="menu">`+strings.Repeat(`<a href="/x">Link</a> `, 30)+
		`</div><div class="header"><h1>Stone</h1></div><div id="content"><h2>History</h2>`+strings.Repeat("<p>"+strings.Repeat(sentence, 4)+"</p>", 5)+
		`</div><div class="sidebar ad-break">Buy now</div></body></html>`)
	if strings.Contains(p.Text, "Buy now") || strings.Contains(p.Text, "Link") {
		t.Errorf("boilerplate is kept: %.200q", p.Text)
	}
	if !strings.HasPrefix(p.Text, "Stone\n\nHistory\n\n") || strings.Count(p.Text, "limestone") != 20 {
		t.Errorf("content is lost: %.200q", p.Text)
	}
}

func TestHTMLCharset(t *testing.T) {
	p := parseOf(t, "a.html", "", "<meta charset=windows-1252><p>caf\xe9")
	if p.Text != "café" {
		t.Errorf("got %q", p.Text)
	}
	p = parseOf(t, "a.html", "text/html; charset=iso-8859-2", "<p>\xb1")
	if p.Text != "ą" {
		t.Errorf("got %q", p.Text)
	}
}

func TestGo(t *testing.T) {
	p := parseOf(t, "x/a.go", "", "// Package a.\npackage a\n\nimport \"fmt\"\n\n// F does.\nfunc F() {\n\n\tfmt.Println()\n}\n\ntype T[K any] struct{}\n\n// M.\n//\n// More.\nfunc (t *T[K]) M() {}\n\nconst (\n\tA = 1\n\tB = 2\n)\n")
	want := `code: // Package a.⏎package a
code: import "fmt"
code <F>: // F does.⏎func F() {⏎⏎	fmt.Println()⏎}
code <T>: type T[K any] struct{}
code <T.M>: // M.⏎//⏎// More.⏎func (t *T[K]) M() {}
code: const (⏎	A = 1⏎	B = 2⏎)
`
	if diff := cmp.Diff(want, show(p)); diff != "" {
		t.Error(diff)
	}
	if p.Language != "go" {
		t.Errorf("language %q", p.Language)
	}
}

func TestCode(t *testing.T) {
	for _, tc := range []struct{ name, source, want string }{
		{"a.py", "import os\n\n# doc\n@deco\ndef f(a):\n    def inner():\n        pass\n\n    return a\n\nclass C(B):\n    x = 1\n\n    async def m(self):\n        pass\n\nif __name__ == '__main__':\n    f(1)\n", `code: import os
code <f>: # doc⏎@deco⏎def f(a):⏎    def inner():⏎        pass⏎⏎    return a
code <C>: class C(B):⏎    x = 1
code <C.m>:     async def m(self):⏎        pass
code: if __name__ == '__main__':⏎    f(1)
`},
		{"a.js", "import x from 'y';\n\n/** Doc. */\nexport async function go(a) {\n  if (a) { return 1 }\n}\n\nconst f = (a, b) => {\n  return a;\n};\n\nclass K {\n  constructor() {}\n}\n", `code: import x from 'y';
code <go>: /** Doc. */⏎export async function go(a) {⏎  if (a) { return 1 }⏎}
code <f>: const f = (a, b) => {⏎  return a;⏎};
code <K>: class K {⏎  constructor() {}⏎}
`},
		{"A.java", "package a;\n\npublic final class A {\n    private int n;\n\n    /** Adds. */\n    public static int add(int a, int b) {\n        return a + b;\n    }\n}\n", `code: package a;
code <A>: public final class A {⏎    private int n;
code <A.add>:     /** Adds. */⏎    public static int add(int a, int b) {⏎        return a + b;⏎    }⏎}
`},
		{"a.rs", "use std::io;\n\n/// Doc.\n#[inline]\npub(crate) fn run(x: u8) -> u8 {\n    x\n}\n\nimpl Foo {\n    fn bar(&self) {}\n}\n", `code: use std::io;
code <run>: /// Doc.⏎#[inline]⏎pub(crate) fn run(x: u8) -> u8 {⏎    x⏎}
code <Foo>: impl Foo {
code <Foo.bar>:     fn bar(&self) {}⏎}
`},
		{"a.c", "#include <a.h>\n\n/* Doc. */\nstatic int *find(const char *s, int n)\n{\n    return 0;\n}\n\nint main(void) {\n    find(\"a\", 1);\n}\n", `code: #include <a.h>
code <find>: /* Doc. */⏎static int *find(const char *s, int n)⏎{⏎    return 0;⏎}
code <main>: int main(void) {⏎    find("a", 1);⏎}
`},
		{"a.sh", "#!/bin/sh\nset -e\n\n# say it\nsay() {\n  echo \"$1\"\n}\n\nsay hello\n", `code: #!/bin/sh⏎set -e
code <say>: # say it⏎say() {⏎  echo "$1"⏎}
code: say hello
`},
		{"broken.go", "package a\n\nfunc F() {\n\tx :=\n}\n\nfunc G() {}\n", `code: package a
code <F>: func F() {⏎	x :=⏎}
code <G>: func G() {}
`},
	} {
		if diff := cmp.Diff(tc.want, show(parseOf(t, tc.name, "", tc.source))); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
	}
}

func TestKinds(t *testing.T) {
	for _, tc := range []struct {
		uri, media, content string
		kind                rag.Kind
		resolved, language  string
	}{
		{"a.csv", "", "a,b\n1,2\n", rag.KindTable, "text/csv", ""},
		{"a.json", "", `{"a": 1}`, rag.KindData, "application/json", ""},
		{"a.yaml", "", "a: 1", rag.KindData, "application/yaml", ""},
		{"feed", "", "<?xml version='1.0'?><a>x</a>", rag.KindData, "application/xml", ""},
		{"feed", "application/atom+xml", "<a>x</a>", rag.KindData, "application/atom+xml", ""},
		{"Makefile", "", "all:\n\techo", rag.KindCode, "text/x-make", "make"},
		{"page", "", "<!DOCTYPE html><p>Hello", rag.KindHTML, "text/html", ""},
		{"LICENSE", "", "It is what it is and that is the end of it.", rag.KindText, "text/plain", "en"},
		{"x.md", "text/plain", "# T", rag.KindMarkdown, "text/markdown", ""},
		{"x", "text/markdown; charset=utf-8", "# T", rag.KindMarkdown, "text/markdown", ""},
		{"u16.txt", "", "\xff\xfeh\x00i\x00", rag.KindText, "text/plain", ""},
	} {
		p := parseOf(t, tc.uri, tc.media, tc.content)
		if p.Kind != tc.kind || p.MediaType != tc.resolved || p.Language != tc.language {
			t.Errorf("%s: %s, %s, %q; want %s, %s, %q", tc.uri, p.Kind, p.MediaType, p.Language, tc.kind, tc.resolved, tc.language)
		}
	}
}

type pages []string

func (p pages) ReadPages(context.Context, []byte) (string, []string, error) {
	return "T", p, nil
}

func TestPDF(t *testing.T) {
	ps := New(Limits{}, pages{"", "one\n\ntwo\x02", " ", "three\n"})
	p, err := ps.Parse(context.Background(), Input{Data: []byte("%PDF-1.4")})
	if err != nil {
		t.Fatal(err)
	}
	checkParsed(t, p)
	if p.Text != "one\n\ntwo\n\nthree" {
		t.Errorf("text %q", p.Text)
	}
	if diff := cmp.Diff([]int{0, 0, 8, 10}, p.Pages); diff != "" {
		t.Error(diff)
	}
	if _, err := New(Limits{}, pages{"", " "}).Parse(context.Background(), Input{Data: []byte("%PDF-1.4")}); reason(err) != rag.ReasonNoText {
		t.Errorf("no text: %v", err)
	}
}

func reason(err error) rag.Reason {
	var r *rag.Refusal
	if errors.As(err, &r) {
		return r.Reason
	}
	return rag.ReasonNone
}

func TestRefusals(t *testing.T) {
	ps := New(Limits{MaxBytes: 1000, MaxTextBytes: 500}, nil)
	for _, tc := range []struct {
		uri, content string
		want         rag.Reason
	}{
		{"a.md", "", rag.ReasonEmpty},
		{"a.md", " \n\t\n", rag.ReasonNoText},
		{"a.md", strings.Repeat("x", 1001), rag.ReasonTooLarge},
		{"a.md", strings.Repeat("x", 501), rag.ReasonTooLarge},
		{"a.html", "<p>" + strings.Repeat("x", 501), rag.ReasonTooLarge},
		{"a.html", "<script>x</script>", rag.ReasonNoText},
		{"a.md", "a\x00b", rag.ReasonUnsupported},
		{"a.go", "\x7fELF\x00\x00", rag.ReasonUnsupported},
		{"a.docx", "PK\x03\x04\x00", rag.ReasonUnsupported},
		{"a.rtf", `{\rtf1 x}`, rag.ReasonUnsupported},
		{"a.pdf", "%PDF-1.4", rag.ReasonUnsupported},
		{"a", "\x89PNG\r\n\x1a\n", rag.ReasonUnsupported},
		{"a.txt", "caf\xe9", rag.ReasonEncoding},
		{"a.html", "<p>caf\xe9", rag.ReasonEncoding},
		{"a.html", "<meta charset=utf-8><p>caf\xe9", rag.ReasonEncoding},
		{"a.txt", "\xff\xfea", rag.ReasonEncoding},
		{"a.txt", "\xff\xfe\x00\xd8a\x00", rag.ReasonEncoding},
		{"a.txt", "\xff\xfe\x00\x00a\x00\x00\x00", rag.ReasonUnsupported},
		{"a.html", strings.Repeat("<div>", 190), rag.ReasonNoText},
	} {
		_, err := ps.Parse(context.Background(), Input{URI: tc.uri, Data: []byte(tc.content)})
		if got := reason(err); got != tc.want {
			t.Errorf("%s %.20q: %v, want %s", tc.uri, tc.content, err, tc.want)
		}
	}
}

func TestPanicEndsOneDocument(t *testing.T) {
	ps := New(Limits{}, nil)
	ps.formats = []format{{"broken", func(probe) bool { return true },
		func(context.Context, *Parsers, probe) (rag.Parsed, error) { panic("secret") }}}
	_, err := ps.Parse(context.Background(), Input{Data: []byte("x")})
	if reason(err) != rag.ReasonParse || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

// TestHostile parses input that costs careless parsers time or stack.
func TestHostile(t *testing.T) {
	n := 200_000
	for name, content := range map[string]string{
		"quotes.md":   strings.Repeat(">", n) + "x",
		"lists.md":    strings.Repeat("- ", n) + "x",
		"deep.md":     strings.Repeat("- a\n"+strings.Repeat(" ", 60), 2000),
		"brackets.md": strings.Repeat("[", n),
		"stars.md":    strings.Repeat("*a_", n),
		"fence.md":    strings.Repeat("```\n", n/4),
		"table.md":    strings.Repeat("|", n) + "\n" + strings.Repeat("|-", n/2),
		"refs.md":     strings.Repeat("[a]: b\n", n/8),
		"divs.html":   strings.Repeat("<div>", n),
		"bolds.html":  strings.Repeat("<b><i>", n/8),
		"tables.html": strings.Repeat("<table><tr><td>", n/16),
		"attrs.html":  "<p " + strings.Repeat("a=b ", n) + ">x",
		"min.js":      strings.Repeat("function a(){};", n/8),
		"parens.go":   "package a\nvar x = " + strings.Repeat("(", n),
		"deep.json":   strings.Repeat("[", n),
		"lines.py":    strings.Repeat("# c\n", n),
		"defs.py":     strings.Repeat("def f():\n", n/4),
	} {
		p, err := New(Limits{}, nil).Parse(context.Background(), Input{URI: name, Data: []byte(content)})
		if err == nil {
			checkParsed(t, p)
		} else if reason(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLanguage(t *testing.T) {
	for want, s := range map[string]string{
		"en": "The stone of this quarry is known for its colour and it was used in the town.",
		"de": "Der Stein aus diesem Bruch ist für seine Farbe bekannt und wurde in der Stadt verwendet.",
		"fr": "La pierre de cette carrière est connue pour sa couleur et elle est utilisée dans la ville.",
		"es": "La piedra de esta cantera es conocida por su color y se usa en la ciudad con los años.",
		"it": "La pietra di questa cava è nota per il suo colore ed è usata nella città con gli anni.",
		"pt": "A pedra desta pedreira não é conhecida por sua cor e foi usada na cidade com os anos.",
		"nl": "De steen uit deze groeve is bekend om zijn kleur en wordt in de stad gebruikt door het volk.",
		"ja": "この石は町で使われています。", "zh": "这块石头在城里使用。", "ru": "Камень этого карьера известен.",
		"ar": "حجر هذا المحجر معروف بلونه", "ko": "이 채석장의 돌은 유명하다",
		"": "x = 1; y = 2; print(x, y)",
	} {
		if got := Language(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

func fuzz(f *testing.F, uri string, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	ps := New(Limits{}, nil)
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ps.Parse(context.Background(), Input{URI: uri, Data: data})
		if err != nil {
			if reason(err) == "" {
				t.Fatal(err)
			}
			return
		}
		checkParsed(t, p)
		if p.Lines && !utf16Marked(data) {
			clean := bytes.TrimPrefix(data, bomUTF8)
			if got, want := strings.Count(p.Text, "\n"), lines(clean); got != want {
				t.Fatalf("%d line ends, the source has %d", got, want)
			}
		}
	})
}

func lines(data []byte) int {
	return bytes.Count(data, []byte("\n")) + bytes.Count(data, []byte("\r")) - bytes.Count(data, []byte("\r\n"))
}

func FuzzMarkdown(f *testing.F) {
	fuzz(f, "a.md", "# a\n\ntext\n- b\n  - c\n\n```\nx\n```\n", "---\ntitle: x\n---\n\n|a|b|\n|-|-|\n", "a\n===\n> > - 1. x\n\t\tcode\n[a]: b\n<p>\n")
}
func FuzzText(f *testing.F) { fuzz(f, "a.txt", "a\n\nb", "\xff\xfea\x00", "\r\r\n\x1b\u2028") }
func FuzzHTML(f *testing.F) {
	fuzz(f, "a.html", "<h1>a</h1><p>b<ul><li>c<li><p>d</ul><pre> e\nf</pre>", "<table><tr><td>1<td>2</table>", "<meta charset=shift_jis>\x82\xa0<svg><title>x")
}
func FuzzGo(f *testing.F) {
	fuzz(f, "a.go", "package a\n\n// F.\nfunc F() {}\n\ntype T struct{}\nfunc (t *T) M(){}", "package a;func F(){};func G(){}")
}
func FuzzCode(f *testing.F) {
	fuzz(f, "a.py", "@d\ndef f():\n  x\n\nclass C:\n    def m(self):\n        pass\n\nx = 1\n", "#a\nfn f\n\nint g(a) {\n}\n")
}
func FuzzData(f *testing.F) { fuzz(f, "a.json", `{"a": [1, 2]}`, "  \n{\n}\n") }

func benchmark(b *testing.B, uri, content string) {
	ps := New(Limits{}, nil)
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		if _, err := ps.Parse(context.Background(), Input{URI: uri, Data: []byte(content)}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMarkdown(b *testing.B) {
	benchmark(b, "a.md", strings.Repeat("## Stone\n\nThe quarry gives *limestone* of a pale colour, which masons\nof the town have [cut](x).\n\n- one\n- two\n\n", 2000))
}

func BenchmarkHTML(b *testing.B) {
	benchmark(b, "a.html", "<body>"+strings.Repeat("<h2>Stone</h2><p>The quarry gives <em>limestone</em> of a pale colour, which masons of the town have cut.</p><ul><li>one<li>two</ul>", 2000))
}

func BenchmarkCode(b *testing.B) {
	benchmark(b, "a.py", strings.Repeat("# adds\ndef add(a, b):\n    c = a + b\n    return c\n\n\n", 2000))
}

// TestTextWithMagicLetters holds the sniffer to what the bytes are, not to the
// two letters that some image formats begin with.
func TestTextWithMagicLetters(t *testing.T) {
	for _, text := range []string{"BMI-1 is overexpressed in some cancers.", "Acute fatty liver\vof pregnancy.", "OggS is a letter soup."} {
		got, err := New(Limits{}, nil).Parse(t.Context(), Input{URI: "1996292", MediaType: "text/plain", Data: []byte(text)})
		if err != nil || got.Kind != rag.KindText {
			t.Errorf("%q: kind %q, error %v", text, got.Kind, err)
		}
	}
}
