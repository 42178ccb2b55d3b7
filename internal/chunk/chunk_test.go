package chunk

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	_ "github.com/quarry-search/quarry/internal/rapidseed"

	"github.com/quarry-search/quarry/internal/rag"
)

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
		m := genModel(r, rapid.SampledFrom([]int{3, 10, 40, 120}).Draw(t, "size"))
		opts := Options{Count: words, MaxTokens: rapid.SampledFrom([]int{0, 120, 500}).Draw(t, "max")}
		p := m.parsed()
		chunks := Split(p, opts)
		checkChunks(t, p, chunks, opts)
		for range 5 {
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
