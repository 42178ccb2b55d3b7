package chunk

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"
	"unicode"

	"github.com/quarry-search/quarry/internal/rag"
)

// words counts tokens as a WordPiece tokenizer roughly would: one for each
// six letters of a word and one for each mark.
func words(s string) int {
	n, run := 0, 0
	for _, r := range s {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if run%6 == 0 {
				n++
			}
			run++
			continue
		case !unicode.IsSpace(r):
			n++
		}
		run = 0
	}
	return n
}

// element is a block of a generated document.
type element struct {
	kind  rag.BlockKind
	level int
	lines []string // sentences of a paragraph, items, rows or lines
}

type model struct {
	title    string
	kind     rag.Kind
	elements []element
}

func (m model) parsed() rag.Parsed {
	p := rag.Parsed{Kind: m.kind, Title: m.title, Lines: true}
	var b strings.Builder
	for _, e := range m.elements {
		if len(e.lines) == 0 {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\n\n")
		}
		bl := rag.Block{Kind: e.kind, Start: b.Len(), Level: e.level}
		sep := "\n"
		switch e.kind {
		case rag.BlockHeading:
			bl.Title = e.lines[0]
			b.WriteString(strings.Repeat("#", e.level) + " ")
		case rag.BlockParagraph:
			sep = " "
		}
		b.WriteString(strings.Join(e.lines, sep))
		bl.End = b.Len()
		p.Blocks = append(p.Blocks, bl)
	}
	p.Text = b.String()
	return p
}

func genWord(r *rand.Rand) string {
	syllables := []string{"ka", "lo", "min", "ter", "su", "ra", "vel", "do", "pi", "en", "gor", "as"}
	var b strings.Builder
	for n := 1 + r.Intn(4); n > 0; n-- {
		b.WriteString(syllables[r.Intn(len(syllables))])
	}
	return b.String()
}

func genSentence(r *rand.Rand, longest int) string {
	ws := make([]string, 3+r.Intn(longest))
	for i := range ws {
		ws[i] = genWord(r)
	}
	ws[0] = strings.ToUpper(ws[0][:1]) + ws[0][1:]
	return strings.Join(ws, " ") + []string{".", "?", "!", "."}[r.Intn(4)]
}

func genLine(r *rand.Rand) string {
	if r.Intn(8) == 0 {
		return strings.Repeat("    ", r.Intn(3)) + "}"
	}
	return strings.Repeat("    ", r.Intn(4)) + genWord(r) + "." + genWord(r) + "(" + genWord(r) + ", " + fmt.Sprint(r.Intn(1000)) + ")"
}

func genElement(r *rand.Rand, headings bool) element {
	n := 1 + r.Intn(8)
	if r.Intn(6) == 0 {
		n = 10 + r.Intn(60)
	}
	kind := rag.BlockParagraph
	switch k := r.Intn(10); {
	case headings && k < 3:
		return element{rag.BlockHeading, 1 + r.Intn(4), []string{genWord(r) + " " + genWord(r)}}
	case k == 4:
		kind = rag.BlockCode
	case k == 5:
		kind = rag.BlockList
	case k == 6:
		kind = rag.BlockTable
	}
	e := element{kind: kind}
	for ; n > 0; n-- {
		e.lines = append(e.lines, genUnit(r, kind))
	}
	return e
}

func genUnit(r *rand.Rand, kind rag.BlockKind) string {
	switch kind {
	case rag.BlockCode:
		return genLine(r)
	case rag.BlockList:
		return "- " + genSentence(r, 12)
	case rag.BlockTable:
		return "| " + genWord(r) + " | " + genWord(r) + " |"
	}
	return genSentence(r, 30)
}

func genModel(r *rand.Rand, size int) model {
	m := model{kind: rag.KindMarkdown}
	if r.Intn(2) == 0 {
		m.title = "The " + genWord(r)
	}
	headings := r.Intn(3) > 0
	if r.Intn(5) == 0 {
		m.kind, m.title, headings = rag.KindCode, "", false
	}
	for n := 1 + r.Intn(size); n > 0; n-- {
		e := genElement(r, headings)
		if m.kind == rag.KindCode {
			e.kind = rag.BlockCode
		}
		m.elements = append(m.elements, e)
	}
	return m
}

// edit inserts, deletes or replaces one sentence that is no heading.
func (m model) edit(r *rand.Rand) (model, string) {
	out := m
	out.elements = make([]element, len(m.elements))
	for i, e := range m.elements {
		e.lines = append([]string(nil), e.lines...)
		out.elements[i] = e
	}
	for range 50 {
		e := &out.elements[r.Intn(len(out.elements))]
		if e.kind == rag.BlockHeading || len(e.lines) == 0 {
			continue
		}
		i := r.Intn(len(e.lines))
		switch r.Intn(3) {
		case 0:
			i = r.Intn(len(e.lines) + 1)
			e.lines = append(e.lines[:i], append([]string{genUnit(r, e.kind)}, e.lines[i:]...)...)
			return out, "insert " + e.lines[i]
		case 1:
			gone := e.lines[i]
			e.lines = append(e.lines[:i], e.lines[i+1:]...)
			return out, "delete " + gone
		default:
			gone := e.lines[i]
			e.lines[i] = genUnit(r, e.kind)
			return out, "replace " + gone + " by " + e.lines[i]
		}
	}
	return out, "nothing"
}

// rename gives a heading, if there is one, a longer title.
func (m model) rename(r *rand.Rand) model {
	for range 20 {
		if e := &m.elements[r.Intn(len(m.elements))]; e.kind == rag.BlockHeading {
			e.lines = []string{genSentence(r, 8)}
			return m
		}
	}
	return m
}

func BenchmarkSplit(b *testing.B) {
	r := rand.New(rand.NewSource(1))
	m := genModel(r, 1)
	m.kind, m.elements = rag.KindMarkdown, nil
	for range 4000 {
		m.elements = append(m.elements, genElement(r, true))
	}
	p := m.parsed()
	b.SetBytes(int64(len(p.Text)))
	for b.Loop() {
		Split(p, Options{Count: words})
	}
}

func BenchmarkResplit(b *testing.B) {
	r := rand.New(rand.NewSource(1))
	m := genModel(r, 1)
	m.kind, m.elements = rag.KindMarkdown, nil
	for range 4000 {
		m.elements = append(m.elements, genElement(r, true))
	}
	p := m.parsed()
	prev := Previous{p.Text, Split(p, Options{Count: words})}
	next, _ := m.edit(r)
	q := next.parsed()
	b.SetBytes(int64(len(q.Text)))
	for b.Loop() {
		Resplit(prev, q, Options{Count: words})
	}
}
