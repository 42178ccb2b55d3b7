package chunk

import (
	"unicode/utf8"

	"github.com/quarry-search/quarry/internal/rag"
)

// Options say how long a chunk may be.
type Options struct {
	// MaxTokens bounds a chunk's embedded text (context and text) as Count
	// measures it; 0 means DefaultMaxTokens, less than 32 means 32.
	MaxTokens int
	// Count returns the number of tokens of a text, without special tokens;
	// nil estimates one token for each four bytes.
	Count func(string) int
}

// DefaultMaxTokens leaves room for special tokens in a model of 256.
const DefaultMaxTokens = 250

// bytesPerToken caps a chunk's bytes at MaxTokens times this, whatever Count
// says: a tokenizer may take a word of a megabyte for one unknown token.
const bytesPerToken = 12

func (o Options) withDefaults() Options {
	if o.MaxTokens == 0 {
		o.MaxTokens = DefaultMaxTokens
	}
	o.MaxTokens = max(o.MaxTokens, 32)
	if o.Count == nil {
		o.Count = func(s string) int { return (len(s) + 3) / 4 }
	}
	return o
}

// Split cuts a document into chunks: ordered, not overlapping, and together
// holding every byte that is not white space. Key.Ordinal is set; the rest of
// Key is the caller's. It depends on p and opts alone.
func Split(p rag.Parsed, opts Options) []rag.Chunk {
	s := newSplitter(p, opts.withDefaults(), nil)
	return s.emit(s.region(0, len(s.units)))
}

// splitter holds one document while it is cut.
type splitter struct {
	p     rag.Parsed
	opts  Options
	units []unit
	sums  []int // sums[i] is the cost of units[:i]
	secs  []section
	cutAt int // byte within a unit at which a gap asks for a cut; 0 for none
}

func newSplitter(p rag.Parsed, opts Options, cuts []int) *splitter {
	b := builder{p: p, opts: opts, cuts: cuts}
	b.build()
	s := &splitter{p: p, opts: opts, units: b.units}
	s.sums = make([]int, len(s.units)+1)
	for i, u := range s.units {
		s.sums[i+1] = s.sums[i] + int(u.cost)
	}
	s.secs = sections(p, b)
	for i := range s.secs {
		s.describe(&s.secs[i])
	}
	return s
}

// piece is a range of units that becomes one chunk.
type piece struct{ i, j int }

func (s *splitter) cost(i, j int) int { return s.sums[j] - s.sums[i] }

// emit makes chunks of pieces, counting characters and lines in one pass.
func (s *splitter) emit(pieces []piece) []rag.Chunk {
	chunks := make([]rag.Chunk, 0, len(pieces))
	c := cursor{text: s.p.Text}
	for n, p := range pieces {
		start, end := int(s.units[p.i].start), int(s.units[p.j-1].end)
		ctx := s.contextAt(p.i)
		ch := rag.Chunk{
			Key:      rag.ChunkKey{Ordinal: n},
			TextHash: rag.TextHash(ctx, s.p.Text[start:end]),
			Context:  ctx,
			Text:     s.p.Text[start:end],
		}
		ch.Span.ByteStart, ch.Span.ByteEnd = start, end
		c.to(start)
		ch.Span.CharStart, ch.Locator.LineStart = c.chars, c.line+1
		c.to(end)
		ch.Span.CharEnd, ch.Locator.LineEnd = c.chars, c.line+1
		if !s.p.Lines {
			ch.Locator.LineStart, ch.Locator.LineEnd = 0, 0
		}
		s.locate(&ch, p)
		chunks = append(chunks, ch)
	}
	return chunks
}

// locate sets page, symbol and heading path.
func (s *splitter) locate(ch *rag.Chunk, p piece) {
	sec := s.sectionOf(p.i)
	ch.Locator.HeadingPath = sec.path
	for k := p.i; k < p.j && ch.Locator.Symbol == ""; {
		sec := s.sectionOf(k)
		ch.Locator.Symbol = sec.symbol
		k = sec.j
	}
	if len(s.p.Pages) == 0 {
		return
	}
	ch.Locator.Page = pageAt(s.p.Pages, ch.Span.ByteStart)
	if end := pageAt(s.p.Pages, ch.Span.ByteEnd-1); end != ch.Locator.Page {
		ch.Locator.PageEnd = end
	}
}

// cursor counts code points and lines up to a byte offset that only grows.
type cursor struct {
	text            string
	at, chars, line int
}

func (c *cursor) to(at int) {
	part := c.text[c.at:at]
	c.chars += utf8.RuneCountInString(part)
	for i := 0; i < len(part); i++ {
		if part[i] == '\n' {
			c.line++
		}
	}
	c.at = at
}
