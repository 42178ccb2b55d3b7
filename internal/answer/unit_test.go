package answer

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/internal/chunk"
)

func TestProsePieces(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"sentences": {"One is. Two is.", []string{"One is.", "Two is."}},
		"fence":     {"Before it.\n\n```\na := 1\n\nb := 2\n```\n\nAfter it.", []string{"Before it.", "```\na := 1\n\nb := 2\n```", "After it."}},
		"lead to a fence": {"Start it with:\n\n```\nquarry up\n```\nThen wait.", []string{
			"Start it with:\n\n```\nquarry up\n```", "```\nquarry up\n```", "Then wait."}},
		"lead to a list": {"There are two:\n\n- a first one\n- a second one\n\nNo more.", []string{
			"There are two:\n\n- a first one\n- a second one", "- a first one", "- a second one", "No more."}},
		"a colon that leads nowhere": {"Note this:\n\nIt rains.", []string{"Note this:", "It rains."}},
		"open fence":                 {"```\na := 1\nb := 2", []string{"```\na := 1\nb := 2"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, p := range prosePieces(c.text, chunk.Sentences(c.text)) {
				got = append(got, c.text[p.start:p.end])
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestLeadStopsAtTheLimit(t *testing.T) {
	text := "They are:\n\n" + strings.Repeat("- "+strings.Repeat("word ", 40)+"\n", 20)
	p := prosePieces(text, chunk.Sentences(text))[0]
	if size := p.end - p.start; size > maxUnitBytes || size < maxUnitBytes/2 {
		t.Errorf("%d bytes", size)
	}
}

func TestCodePieces(t *testing.T) {
	short := "// Add adds.\nfunc Add(a, b int) int {\n\treturn a + b\n}"
	if got := codePieces(short); len(got) != 1 || got[0].end != len(short) {
		t.Errorf("a short function is quoted whole: %v", got)
	}
	long := "\n\n\t// Sum sums.\n\tfunc Sum() {\n" + strings.Repeat("\t\tx++\n", 30) + "\n\n\t}\n\n"
	pieces := codePieces(long)
	for _, p := range pieces {
		part := long[p.start:p.end]
		if strings.Count(part, "\n") >= codeLines || strings.TrimSpace(part) == "" || !strings.HasPrefix(part, "\t") || strings.HasSuffix(part, "\n") {
			t.Errorf("piece %q", part)
		}
	}
	if !strings.HasPrefix(long[pieces[0].start:], "\t// Sum sums.\n\tfunc Sum() {") {
		t.Error("the comment is parted from its function")
	}
}

func TestFlaws(t *testing.T) {
	for text, want := range map[string]flaw{
		"The bridge fell in 1879.": sound,
		"# Bridges":                heading,
		"Why did the bridge fall?": question,
		"| a | b |":                fragment,
		"See also":                 fragment,
		"Port 8080":                sound,
		"橋が落ちた。":                   sound,
		"[Home](https://a.b) [Docs](https://a.b/docs) [API](/x/yz)": links,
		"---": fragment,
	} {
		if got := flawOf(text, false); got != want {
			t.Errorf("%q has flaw %d, want %d", text, got, want)
		}
	}
}

func TestExpectedKindOfAnswer(t *testing.T) {
	for _, c := range []struct {
		question, sentence string
		kind               kindOfAnswer
		offers             bool
	}{
		{"When did it open?", "It opened in 1911.", dateAnswer, true},
		{"When did the 1911 strike end?", "The 1911 strike ended badly.", dateAnswer, false},
		{"How many piers stand?", "Eighty-five and three piers stand.", numberAnswer, true},
		{"How many piers stand?", "Piers stand.", numberAnswer, false},
		{"Who built the Tay Bridge?", "The Tay Bridge was built by Thomas Bouch.", nameAnswer, true},
		{"Who built the Tay Bridge?", "The Tay Bridge was built by him.", nameAnswer, false},
		{"Why did it fall?", "It fell.", anyAnswer, false},
	} {
		q := New(Deps{Analyze: terms}, Options{}).analyse(c.question, nil)
		if q.expect != c.kind || q.offers(c.sentence) != c.offers {
			t.Errorf("%q / %q: kind %d, offers %v", c.question, c.sentence, q.expect, q.offers(c.sentence))
		}
	}
}

// Terms that tell hits apart weigh more; question words nothing, unless there
// is nothing else.
func TestAnalyseWeighsTerms(t *testing.T) {
	a := New(Deps{Analyze: terms}, Options{})
	l := &library{}
	l.prose("a", "Granite from the quarry.")
	l.prose("b", "Slate from the quarry.")
	l.prose("c", "Marble from the quarry.")
	q := a.analyse("Where is the granite quarry?", l.hits)
	if len(q.terms) != 2 || q.terms["granite"] < 3*q.terms["quarry"] || q.terms["quarry"] == 0 {
		t.Errorf("weights %v", q.terms)
	}
	if q := a.analyse("Who are you?", nil); len(q.terms) == 0 || q.total == 0 {
		t.Errorf("question words alone: %v", q.terms)
	}
}

func TestDefinitions(t *testing.T) {
	a := New(Deps{Analyze: terms}, Options{})
	for _, c := range []struct {
		question, unit string
		want           bool
	}{
		{"What is scope?", "Scope is what a principal may see.", true},
		{"What is scope?", "| scope | what a principal may see |", true},
		{"What does dense weight mean?", "- **Dense weight**: the share of a leg.", true},
		{"What is scope?", "Statistics count what the scope sees.", false},
		{"What is scope?", "Scope", false},
		{"How is scope computed?", "Scope is what a principal may see.", false},
		{"What is the share of the dense leg in the fusion of scores?", "Share of the dense leg.", false},
	} {
		q := a.analyse(c.question, nil)
		if got := a.defines(&unit{text: c.unit}, &q); got != c.want {
			t.Errorf("%q defined by %q: %v", c.question, c.unit, got)
		}
	}
}
