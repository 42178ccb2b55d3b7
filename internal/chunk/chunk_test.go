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
		}
	})
}

// TestSplitIsLocal measures that Split alone, without the former version,
// mostly keeps what an edit does not touch.
func TestSplitIsLocal(t *testing.T) {
	r := rand.New(rand.NewSource(7))
	opts := Options{Count: words}
	total, edits := 0, 300
	for range edits {
		m := genModel(r, 60)
		next, _ := m.edit(r)
		total += len(newHashes(Split(m.parsed(), opts), Split(next.parsed(), opts)))
	}
	if mean := float64(total) / float64(edits); mean > 3 {
		t.Errorf("an edit of one sentence makes %.2f new text hashes on the mean without the former version, want at most 3", mean)
	} else {
		t.Logf("new text hashes per edit, without the former version: %.2f", mean)
	}
}

// TestAnyText splits arbitrary strings with arbitrary blocks.
func TestAnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyParsed(t)
		opts := Options{MaxTokens: rapid.IntRange(0, 300).Draw(t, "max"), Count: words}
		chunks := Split(p, opts)
		checkChunks(t, p, chunks, opts)
		q := anyParsed(t)
		q.Text += p.Text
		checkChunks(t, q, Resplit(Previous{p.Text, chunks}, q, opts), opts)
	})
}

func anyParsed(t *rapid.T) rag.Parsed {
	parts := rapid.SliceOf(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		" ", "\n", "\n\n", ". ", "word", strings.Repeat("x", 300), "字字。", "# H\n", "\t", "- ", "\u2028", "é",
	}))).Draw(t, "text")
	p := rag.Parsed{Text: strings.ToValidUTF8(strings.Join(parts, ""), ""), Lines: rapid.Bool().Draw(t, "lines"),
		Kind: rapid.SampledFrom([]rag.Kind{rag.KindText, rag.KindMarkdown, rag.KindCode, rag.KindPDF}).Draw(t, "kind")}
	for at := 0; at < len(p.Text); {
		end := min(len(p.Text), at+rapid.IntRange(1, 200).Draw(t, "block"))
		for end < len(p.Text) && !utf8.RuneStart(p.Text[end]) {
			end++
		}
		if start, stop := trim(p.Text, at, end); start < stop {
			p.Blocks = append(p.Blocks, rag.Block{Kind: rag.BlockKind(rapid.IntRange(0, 4).Draw(t, "kind")),
				Start: start, End: stop, Level: rapid.IntRange(1, 6).Draw(t, "level"), Title: "T"})
			if p.Kind == rag.KindPDF && (len(p.Pages) == 0 || rapid.Bool().Draw(t, "page")) {
				p.Pages = append(p.Pages, start)
			}
		}
		at = end
	}
	if len(p.Pages) > 0 {
		p.Pages[0] = 0
	}
	return p
}

func TestHugeUnits(t *testing.T) {
	for name, text := range map[string]string{
		"one word":     strings.Repeat("x", 10<<20),
		"one line":     strings.Repeat("function a(b){return b*2};", 100_000),
		"many lines":   strings.Repeat("x\n", 1<<20),
		"no full stop": strings.Repeat("word and ", 500_000),
		"ideographs":   strings.Repeat("漢字", 500_000),
	} {
		t.Run(name, func(t *testing.T) {
			p := rag.Parsed{Text: text, Kind: rag.KindText}
			p.Blocks = []rag.Block{{End: len(text)}}
			unknown := func(s string) int { return len(strings.Fields(s)) } // a long word is one token
			chunks := Split(p, Options{Count: unknown})
			checkSpans(t, p, chunks)
			for _, c := range chunks {
				if len(c.Text) > DefaultMaxTokens*bytesPerToken {
					t.Fatalf("a chunk of %d bytes", len(c.Text))
				}
			}
		})
	}
}

// checkSpans is checkChunks for long texts: in linear time.
func checkSpans(t *testing.T, p rag.Parsed, chunks []rag.Chunk) {
	t.Helper()
	end := 0
	for _, c := range chunks {
		if c.Span.ByteStart < end || strings.TrimSpace(p.Text[end:c.Span.ByteStart]) != "" ||
			p.Text[c.Span.ByteStart:c.Span.ByteEnd] != c.Text {
			t.Fatalf("wrong span %+v after %d", c.Span, end)
		}
		end = c.Span.ByteEnd
	}
	if strings.TrimSpace(p.Text[end:]) != "" {
		t.Fatal("text is lost at the end")
	}
}

func TestHeadingsStayWithTheirText(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("The quarry holds stone of many kinds. ", 60))
	m := model{kind: rag.KindMarkdown, title: "Guide", elements: []element{
		{rag.BlockHeading, 1, []string{"Guide"}},
		{rag.BlockHeading, 2, []string{"Install"}},
		{rag.BlockParagraph, 0, []string{long}},
		{rag.BlockHeading, 2, []string{"Use"}},
		{rag.BlockHeading, 3, []string{"First steps"}},
		{rag.BlockParagraph, 0, []string{long}},
		{rag.BlockHeading, 2, []string{"The end"}},
	}}
	p := m.parsed()
	chunks := Split(p, Options{Count: words})
	checkChunks(t, p, chunks, Options{Count: words})
	for _, c := range chunks {
		last := c.Text[strings.LastIndexByte(c.Text, '\n')+1:]
		if strings.HasPrefix(last, "#") && c.Span.ByteEnd < len(p.Text) {
			t.Errorf("a chunk ends in a heading: %q", last)
		}
	}
	if got := chunks[0].Context; got != "" {
		t.Errorf("context of the first chunk is %q, want none: the text begins with the headings", got)
	}
	if got := chunks[1].Context; got != "Guide > Install" {
		t.Errorf("context of the second chunk is %q", got)
	}
	last := chunks[len(chunks)-1]
	if got := fmt.Sprint(last.Locator.HeadingPath); got != "[Guide Use First steps]" {
		t.Errorf("heading path of the last chunk is %s", got)
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
