package chunk

import (
	"hash/crc32"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/quarry-search/quarry/internal/rag"
)

// Levels of the boundary before a unit: where a stretch is too long it is cut
// at the highest level within reach.
const (
	levelRune     = 0
	levelWord     = 10
	levelSentence = 30 // also a line of code or of a table, plus up to 8 for outer indentation
	levelBlank    = 40 // paragraph or blank line, plus the same
	levelBlock    = 50 // another kind of block, or another page
	levelHeading  = 60 // plus up to 6 for outer headings
)

// unit is the smallest stretch that is not cut: a sentence, a line, or a part
// of one that is too long.
type unit struct {
	start, end int32
	cost       int32  // tokens, or more for bytes that no token accounts for
	hash       uint32 // of the content: decides between boundaries of one level
	level      uint8
	heading    bool
}

// builder makes units of a document's blocks.
type builder struct {
	p     rag.Parsed
	opts  Options
	cuts  []int // byte offsets that no unit may span, ascending
	units []unit
	first []int // for each block of p, the index of its first unit
}

func (b *builder) build() {
	prev := rag.Block{Kind: 255}
	end := 0
	for _, bl := range b.p.Blocks {
		if gap := (rag.Block{Start: end, End: bl.Start}); !blank(b.p.Text[gap.Start:gap.End]) {
			b.block(gap, prev)
			prev = gap
		}
		b.first = append(b.first, len(b.units))
		b.block(bl, prev)
		prev, end = bl, bl.End
	}
	if gap := (rag.Block{Start: end, End: len(b.p.Text)}); !blank(b.p.Text[gap.Start:]) {
		b.block(gap, prev)
	}
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }

// block appends the units of one block. The boundary before its first unit
// belongs to the block, not to the text in it.
func (b *builder) block(bl, prev rag.Block) {
	n := len(b.units)
	switch {
	case bl.Kind == rag.BlockHeading:
		b.add(bl.Start, bl.End, levelHeading)
		for i := n; i < len(b.units); i++ {
			b.units[i].heading = true
		}
	case bl.Kind == rag.BlockCode || bl.Kind == rag.BlockTable || b.p.Kind == rag.KindData:
		b.lines(bl)
	default:
		text := b.p.Text[bl.Start:bl.End]
		end := 0
		for _, r := range Sentences(text) {
			level := levelSentence
			if strings.Contains(text[end:r[0]], "\n\n") {
				level = levelBlank
			}
			b.add(bl.Start+r[0], bl.Start+r[1], level)
			end = r[1]
		}
	}
	if n == len(b.units) {
		return
	}
	first := &b.units[n]
	switch {
	case bl.Kind == rag.BlockHeading:
		first.level = uint8(levelHeading + 6 - min(max(bl.Level, 1), 6))
	case prev.Kind == rag.BlockHeading:
		first.level = levelWord // a heading stays with what it heads
	case bl.Kind != prev.Kind || b.newPage(int(first.start), prev.End):
		first.level = levelBlock
	default:
		first.level = max(first.level, levelBlank+8)
	}
}

func (b *builder) newPage(start, before int) bool {
	return len(b.p.Pages) > 0 && before > 0 && pageAt(b.p.Pages, start) != pageAt(b.p.Pages, before-1)
}

// lines appends a unit for each line of code, table or data. The less a line
// is indented, the better a place it is to cut before it.
func (b *builder) lines(bl rag.Block) {
	afterBlank := false
	for at := bl.Start; at < bl.End; {
		end := min(lineEnd(b.p.Text, at), bl.End)
		line := b.p.Text[at:end]
		body := strings.TrimSpace(line)
		if body == "" {
			afterBlank = true
			at = end + 1
			continue
		}
		level := levelSentence
		if afterBlank {
			level = levelBlank
		}
		if closes := strings.IndexByte("}])>", body[0]) >= 0; !closes {
			level += max(0, 8-indentation(line)/2)
		}
		b.add(at, end, level)
		afterBlank = false
		at = end + 1
	}
}

func indentation(line string) int {
	n := 0
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case ' ':
			n++
		case '\t':
			n += 4
		default:
			return n
		}
	}
	return n
}

// add appends the units of one sentence or line: itself, parted at cuts, and
// word by word when it is long.
func (b *builder) add(start, end, level int) {
	for i := sort.SearchInts(b.cuts, start+1); i < len(b.cuts) && b.cuts[i] < end; i++ {
		b.addWhole(start, b.cuts[i], level)
		start, level = b.cuts[i], levelWord
	}
	b.addWhole(start, end, level)
}

func (b *builder) addWhole(start, end, level int) {
	text := b.p.Text[start:end]
	trimmed := strings.TrimRightFunc(text, unicode.IsSpace)
	if blank(trimmed) {
		return
	}
	if level < levelSentence {
		trimmed = strings.TrimLeftFunc(trimmed, unicode.IsSpace)
		start = end - len(strings.TrimLeftFunc(text, unicode.IsSpace))
	}
	end = start + len(trimmed)
	if cost := b.measure(trimmed); cost <= b.opts.MaxTokens/4 {
		b.append(start, end, cost, level)
		return
	}
	b.words(start, end, level)
}

// words appends a unit for each word, and for each part of a word that is
// long.
func (b *builder) words(start, end, level int) {
	longest := min(64, b.opts.MaxTokens/2)
	for start < end {
		stop := start
		for stop < end {
			r, size := utf8.DecodeRuneInString(b.p.Text[stop:end])
			if unicode.IsSpace(r) && !blank(b.p.Text[start:stop]) {
				break
			}
			stop += size
		}
		for stop-start > longest {
			cut := cutWord(b.p.Text[start:stop], longest)
			b.append(start, start+cut, b.measure(b.p.Text[start:start+cut]), level)
			start, level = start+cut, levelRune
		}
		b.append(start, stop, b.measure(b.p.Text[start:stop]), level)
		for stop < end {
			r, size := utf8.DecodeRuneInString(b.p.Text[stop:end])
			if !unicode.IsSpace(r) {
				break
			}
			stop += size
		}
		start, level = stop, levelWord
	}
}

// cutWord finds a place within the first n bytes of a long word: after
// punctuation if there is any in their second half, else between runes.
func cutWord(s string, n int) int {
	if i := strings.LastIndexAny(s[:n], ";,{}()[]&|/。、，"); i >= n/2 {
		_, size := utf8.DecodeRuneInString(s[i:])
		if i+size <= n {
			return i + size
		}
	}
	for n > 1 && !utf8.RuneStart(s[n]) {
		n--
	}
	return n
}

func (b *builder) measure(s string) int {
	return max(b.opts.Count(s), (len(s)+bytesPerToken-1)/bytesPerToken)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (b *builder) append(start, end, cost, level int) {
	b.units = append(b.units, unit{
		start: int32(start), end: int32(end), cost: int32(cost),
		hash:  crc32.Update(0, castagnoli, []byte(b.p.Text[start:end])) * 2654435761,
		level: uint8(level),
	})
}

// pageAt returns the number, from 1, of the page that holds the byte.
func pageAt(pages []int, at int) int {
	return sort.SearchInts(pages, at+1)
}
