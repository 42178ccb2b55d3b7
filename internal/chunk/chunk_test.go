package chunk

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

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

func checkChunks(t interface{ Fatalf(string, ...any) }, p rag.Parsed, chunks []rag.Chunk, opts Options) {
	opts = opts.withDefaults()
	end := 0
	for n, c := range chunks {
		s := c.Span
		if s.ByteStart < end || s.ByteEnd <= s.ByteStart || s.ByteEnd > len(p.Text) {
			t.Fatalf("chunk %d: span %+v after %d, text has %d bytes", n, s, end, len(p.Text))
		}
		if gap := p.Text[end:s.ByteStart]; strings.TrimSpace(gap) != "" {
			t.Fatalf("chunk %d: %q before it is in no chunk", n, gap)
		}
		if p.Text[s.ByteStart:s.ByteEnd] != c.Text {
			t.Fatalf("chunk %d is not the text at its span", n)
		}
		if got := utf8.RuneCountInString(p.Text[:s.ByteStart]); got != s.CharStart {
			t.Fatalf("chunk %d: char start %d, want %d", n, s.CharStart, got)
		}
		if got := utf8.RuneCountInString(p.Text[:s.ByteEnd]); got != s.CharEnd {
			t.Fatalf("chunk %d: char end %d, want %d", n, s.CharEnd, got)
		}
		if !utf8.ValidString(c.Text) || !utf8.ValidString(c.Context) {
			t.Fatalf("chunk %d is not valid UTF-8", n)
		}
		if c.TextHash != rag.TextHash(c.Context, c.Text) || c.Key.Ordinal != n {
			t.Fatalf("chunk %d: wrong hash or ordinal %d", n, c.Key.Ordinal)
		}
		if got := opts.Count(c.EmbedText()); got > opts.MaxTokens {
			t.Fatalf("chunk %d has %d tokens, limit %d: %q", n, got, opts.MaxTokens, c.Text)
		}
		if p.Lines && c.Locator.LineStart != 1+strings.Count(p.Text[:s.ByteStart], "\n") {
			t.Fatalf("chunk %d: line start %d", n, c.Locator.LineStart)
		}
		if p.Lines && c.Locator.LineEnd != 1+strings.Count(p.Text[:s.ByteEnd], "\n") {
			t.Fatalf("chunk %d: line end %d", n, c.Locator.LineEnd)
		}
		end = s.ByteEnd
	}
	if gap := p.Text[end:]; strings.TrimSpace(gap) != "" {
		t.Fatalf("%q at the end is in no chunk", gap)
	}
}

func hashes(chunks []rag.Chunk) map[rag.Hash]bool {
	m := map[rag.Hash]bool{}
	for _, c := range chunks {
		m[c.TextHash] = true
	}
	return m
}

func newHashes(old, new []rag.Chunk) []rag.Chunk {
	had := hashes(old)
	var out []rag.Chunk
	for _, c := range new {
		if !had[c.TextHash] {
			had[c.TextHash] = true
			out = append(out, c)
		}
	}
	return out
}

// TestEditOfOneSentence holds Resplit to its invariant, through a series of
// edits, each upon the outcome of the one before.
func TestEditOfOneSentence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed")))
		m := genModel(r, rapid.SampledFrom([]int{3, 10, 60, 200}).Draw(t, "size"))
		opts := Options{Count: words, MaxTokens: rapid.SampledFrom([]int{0, 120, 500}).Draw(t, "max")}
		p := m.parsed()
		chunks := Split(p, opts)
		checkChunks(t, p, chunks, opts)
		for range 8 {
			next, what := m.edit(r)
			q := next.parsed()
			after := Resplit(Previous{p.Text, chunks}, q, opts)
			checkChunks(t, q, after, opts)
			if made := newHashes(chunks, after); len(made) > 2 {
				for _, c := range made {
					t.Logf("new: %q > %q", c.Context, c.Text)
				}
				t.Fatalf("%d new text hashes after: %s", len(made), what)
			}
			m, p, chunks = next, q, after
			if r.Intn(3) == 0 { // any chunk under it changes
				m = m.rename(r)
				q := m.parsed()
				chunks = Resplit(Previous{p.Text, chunks}, q, opts)
				checkChunks(t, q, chunks, opts)
				p = q
			}
		}
	})
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

func TestKeptChunksEndAtWords(t *testing.T) {
	old := strings.Repeat("The quarry holds stone of many kinds. ", 40) + "The end"
	split := func(text string, prev *Previous) (rag.Parsed, []rag.Chunk) {
		p := rag.Parsed{Text: text, Kind: rag.KindText, Blocks: []rag.Block{{End: len(text)}}}
		if prev == nil {
			return p, Split(p, Options{Count: words})
		}
		return p, Resplit(*prev, p, Options{Count: words})
	}
	_, chunks := split(old, nil)
	other := strings.Repeat("Other words are told of it here. ", 60)
	for _, text := range []string{old + "ing of it. " + other, other + "un" + old} {
		p, after := split(text, &Previous{old, chunks})
		checkChunks(t, p, after, Options{Count: words})
		for _, c := range after {
			if end := c.Span.ByteEnd; end < len(text) && text[end] != ' ' {
				t.Errorf("a chunk ends within a word: %q", text[end-10:end+3])
			}
		}
	}
}

// TestTwoPiecesDo holds a gap that two chunks can hold to two.
func TestTwoPiecesDo(t *testing.T) {
	r := rand.New(rand.NewSource(5))
	for range 200 {
		p := rag.Parsed{Kind: rag.KindText}
		for words(p.Text) < 440 {
			p.Text += genSentence(r, 8) + " "
		}
		p.Blocks = []rag.Block{{End: len(p.Text)}}
		s := newSplitter(p, Options{Count: words}.withDefaults(), nil)
		if pieces := s.gap(piece{0, len(s.units)}); len(pieces) != 2 {
			t.Fatalf("%d pieces of %d tokens", len(pieces), s.cost(0, len(s.units)))
		}
	}
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
