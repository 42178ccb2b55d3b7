package answer

import (
	"github.com/quarry-search/quarry/internal/chunk"
	"github.com/quarry-search/quarry/internal/rag"
)

// unit is a stretch of a passage that can be quoted: a sentence, a list or
// code block with the sentence that leads to it, or lines of source code.
type unit struct {
	hit        int // its passage, by place among the hits
	start, end int // bytes within the chunk's text
	text       string
	block      bool   // lines matter: it is shown on lines of its own
	previous   string // the sentence before it in its passage
	heading    string // under which it stands: embedded with it, not quoted
	flaw       flaw

	vector []float32
	features
	score float64
}

// flaw says why a unit makes a poor quote.
type flaw uint8

// The flaws, from the worst.
const (
	sound    flaw = iota
	heading       // names a section, says nothing
	links         // mostly addresses
	question      // asks, like the user
	fragment      // a table row, a label, a few words
)

// maxUnitBytes bounds a quote that is longer than a sentence; maxUnits what
// one passage can cost.
const (
	maxUnitBytes = 900
	maxUnits     = 48
	codeLines    = 14 // of source code quoted together
)

// unitsOf cuts the passage of hit number n into units.
func unitsOf(n int, hit rag.Hit) []unit {
	text := hit.Chunk.Text
	var spans []piece
	if hit.Document.Version.Kind == rag.KindCode {
		spans = codePieces(text)
	} else {
		spans = prosePieces(text, chunk.Sentences(text))
	}
	spans = spans[:min(len(spans), maxUnits)]
	units := make([]unit, 0, len(spans))
	for i, s := range spans {
		u := unit{hit: n, start: s.start, end: s.end, text: text[s.start:s.end], block: s.block}
		u.heading = headingOf(hit)
		if i > 0 {
			u.previous = text[spans[i-1].start:spans[i-1].end]
		}
		if !s.block {
			u.flaw = flawOf(u.text, len(spans) == 1)
		}
		units = append(units, u)
	}
	return units
}

// piece is a range of a chunk's text.
type piece struct {
	start, end int
	block      bool
}

// headingOf is the nearest heading above a hit, or its document's title.
func headingOf(h rag.Hit) string {
	if path := h.Chunk.Locator.HeadingPath; len(path) > 0 {
		return path[len(path)-1]
	}
	return h.Document.Version.Title
}
