package chunk

import (
	"slices"
	"sort"

	"github.com/quarry-search/quarry/internal/rag"
)

// Previous is a document's former version as it was cut.
type Previous struct {
	Text   string
	Chunks []rag.Chunk // in order; Text, Context and Span are read
}

// Resplit cuts a new version of a document. Chunks of the former version whose
// text still stands in the new one, in order, keep their bounds; only the gaps
// between them are cut anew. A kept chunk's text hash changes only with the
// headings above it.
//
// Invariant: inserting, deleting or editing one sentence makes at most two new
// text hashes, however long the document is (a sentence being shorter than
// half a chunk, and no heading: a heading is part of the context of all that
// it heads).
func Resplit(prev Previous, p rag.Parsed, opts Options) []rag.Chunk {
	places := match(prev, p.Text)
	if len(places) == 0 {
		return Split(p, opts)
	}
	var cuts []int
	for _, pl := range places {
		cuts = append(cuts, pl.at, pl.at+len(prev.Chunks[pl.n].Text))
	}
	opts = opts.withDefaults()
	for extra := 0; ; extra++ {
		s := newSplitter(p, opts, cuts)
		pieces := s.join(s.keep(prev, places))
		if s.cutAt == 0 || extra == maxExtraCuts {
			return s.emit(pieces)
		}
		cuts = append(cuts, s.cutAt)
		slices.Sort(cuts)
	}
}

// maxExtraCuts bounds how often a document is cut anew because a sentence
// stands where a gap must be parted.
const maxExtraCuts = 4

// part is a piece of the new version: kept, or the units of a gap.
type part struct {
	piece
	kept bool
}

// keep returns the parts of the document in order: kept chunks, and between
// them gaps.
func (s *splitter) keep(prev Previous, places []place) []part {
	var parts []part
	end := 0
	gap := func(to int) {
		if end < to {
			parts = append(parts, part{piece: piece{end, to}})
		}
	}
	for _, pl := range places {
		c := prev.Chunks[pl.n]
		i, j := s.unitAt(pl.at), s.unitAt(pl.at+len(c.Text))
		if i < end || i >= j || int(s.units[i].start) != pl.at || int(s.units[j-1].end) != pl.at+len(c.Text) {
			continue
		}
		p := piece{i, j}
		if (s.contextAt(i) != c.Context || s.cost(i, j) > s.opts.MaxTokens) && !s.fits(p) {
			continue
		}
		gap(i)
		parts = append(parts, part{p, true})
		end = j
	}
	gap(len(s.units))
	return parts
}

// unitAt returns the first unit that starts at or after the byte.
func (s *splitter) unitAt(at int) int {
	return sort.Search(len(s.units), func(n int) bool { return int(s.units[n].start) >= at })
}

// join cuts the gaps. One that is too small to stand alone takes in a
// neighbour of its section, one that ends in a heading what it heads.
func (s *splitter) join(parts []part) []piece {
	var out []piece
	for n := 0; n < len(parts); n++ {
		p := parts[n]
		if p.kept {
			out = append(out, p.piece)
			continue
		}
		switch {
		case n+1 < len(parts) && (s.units[p.j-1].heading || s.lonely(p.piece) && s.related(p.piece, parts[n+1].piece)):
			p.j = parts[n+1].j
			n++
		case n > 0 && s.lonely(p.piece) && s.related(parts[n-1].piece, p.piece) && out[len(out)-1] == parts[n-1].piece:
			p.i = parts[n-1].i
			out = out[:len(out)-1]
		}
		out = append(out, s.gap(p.piece)...)
	}
	return out
}

// lonely reports whether a gap is too small for a chunk of its own.
func (s *splitter) lonely(p piece) bool {
	return s.cost(p.i, p.j) <= s.sectionOf(p.i).budget/6
}

// related reports whether b goes on in the section in which a ends.
func (s *splitter) related(a, b piece) bool {
	return s.sectionOf(a.j-1) == s.sectionOf(b.i)
}

// gap cuts a gap that one or two chunks can hold into no more than these.
func (s *splitter) gap(p piece) []piece {
	pieces := s.region(p.i, p.j)
	budget := s.budget(p)
	if total := s.cost(p.i, p.j); len(pieces) <= 2 || total > 2*budget {
		return pieces
	} else if total <= budget {
		return s.verify([]piece{p})
	}
	k := s.boundary(p.i, p.j, budget)
	if s.cost(p.i, k) > budget || s.cost(k, p.j) > budget {
		s.cutAt = s.within(p, budget)
	}
	return s.verify([]piece{{p.i, k}, {k, p.j}})
}

// within finds a place between two words of the sentence in the middle of p,
// at which both sides fit into the budget; 0 if there is none.
func (s *splitter) within(p piece, budget int) int {
	u := s.units[s.find(p.i, p.j, s.sums[p.i]+s.cost(p.i, p.j)/2)-1]
	text := s.p.Text[u.start:u.end]
	before := s.cost(p.i, s.unitAt(int(u.start)))
	b := builder{opts: s.opts}
	for at := range text {
		if at == 0 || !blank(text[at-1:at]) || blank(text[at:at+1]) {
			continue
		}
		left, right := b.measure(text[:at]), b.measure(text[at:])
		if before+left <= budget && s.cost(p.i, p.j)-before-int(u.cost)+right <= budget {
			return int(u.start) + at
		}
	}
	return 0
}

// budget returns the least budget of the sections that a piece touches.
func (s *splitter) budget(p piece) int {
	least := s.opts.MaxTokens
	for k := p.i; k < p.j; {
		sec := s.sectionOf(k)
		least = min(least, sec.budget)
		k = max(sec.j, k+1)
	}
	return least
}
