package chunk

import (
	"slices"
	"sort"
	"strings"

	"github.com/quarry-search/quarry/internal/rag"
)

// section is a run of units under one heading, or one region of source code.
// Headings without text of their own belong to the section that follows them.
type section struct {
	i, j   int // units
	level  int // 0 before the first heading
	path   []string
	symbol string

	above    []string // path above the headings that the section starts with
	titles   []string // of those headings
	starting string   // context of a chunk that starts the section
	within   string   // context of one that starts later
	budget   int      // tokens that are left for text
}

// sections finds the sections of a document: their unit ranges follow each
// other without gaps.
func sections(p rag.Parsed, b builder) []section {
	secs := []section{{}}
	var stack []rag.Block
	for n, bl := range p.Blocks {
		cur := &secs[len(secs)-1]
		first := b.first[n]
		switch {
		case p.Kind == rag.KindCode:
			if first > cur.i {
				cur.j = first
				secs = append(secs, section{i: first, level: 1, symbol: bl.Symbol})
			} else {
				cur.level, cur.symbol = 1, bl.Symbol
			}
		case bl.Kind == rag.BlockHeading:
			for len(stack) > 0 && stack[len(stack)-1].Level >= bl.Level {
				stack = stack[:len(stack)-1]
			}
			above := titles(stack)
			stack = append(stack, bl)
			if first == cur.i || b.units[first-1].heading {
				extend(cur, bl, above)
				continue
			}
			cur.j = first
			secs = append(secs, section{i: first, level: bl.Level, above: above,
				path: append(slices.Clip(above), bl.Title), titles: []string{bl.Title}})
		}
	}
	secs[len(secs)-1].j = len(b.units)
	return joinTrailing(secs, b.units)
}

// extend adds a further heading to a section that has no text yet.
func extend(s *section, bl rag.Block, above []string) {
	if len(s.titles) == 0 {
		s.level, s.above = bl.Level, above
	}
	s.level = min(s.level, bl.Level)
	s.path = append(slices.Clip(above), bl.Title)
	s.titles = append(s.titles, bl.Title)
}

// joinTrailing gives headings at the very end, which head nothing, to the
// section before them.
func joinTrailing(secs []section, units []unit) []section {
	last := secs[len(secs)-1]
	if len(secs) < 2 || last.j == last.i || !units[last.j-1].heading {
		return secs
	}
	secs = secs[:len(secs)-1]
	secs[len(secs)-1].j = last.j
	return secs
}

func titles(stack []rag.Block) []string {
	var out []string
	for _, bl := range stack {
		out = append(out, bl.Title)
	}
	return out
}

func (s *splitter) sectionOf(unit int) *section {
	n := sort.Search(len(s.secs), func(n int) bool { return s.secs[n].j > unit })
	return &s.secs[min(n, len(s.secs)-1)]
}

// contextAt returns the context of a chunk that starts at the unit.
func (s *splitter) contextAt(unit int) string {
	sec := s.sectionOf(unit)
	if unit == sec.i {
		return sec.starting
	}
	return sec.within
}

// describe sets a section's contexts. Source code has none: a chunk of code
// would otherwise change with every rename around it.
func (s *splitter) describe(sec *section) {
	sec.budget = s.opts.MaxTokens
	if s.p.Kind == rag.KindCode {
		return
	}
	above, within := sec.above, sec.path
	if title := s.p.Title; title != "" {
		if !slices.Contains(sec.titles, title) && !slices.Contains(above, title) {
			above = append([]string{title}, above...)
		}
		if !slices.Contains(within, title) {
			within = append([]string{title}, within...)
		}
	}
	sec.starting, sec.within = s.context(above), s.context(within)
	used := max(s.count(sec.starting), s.count(sec.within))
	sec.budget = s.opts.MaxTokens - used
}

func (s *splitter) count(text string) int {
	if text == "" {
		return 0
	}
	return max(s.opts.Count(text), len(text)/bytesPerToken)
}

// context joins a heading path to at most an eighth of the tokens of a chunk:
// the middle of a long path goes first, then its start, then the last words.
func (s *splitter) context(path []string) string {
	limit := s.opts.MaxTokens / 8
	path = slices.DeleteFunc(slices.Clone(path), func(t string) bool { return t == "" })
	for i, t := range path {
		path[i] = strings.Join(strings.Fields(t[:min(len(t), 4096)]), " ")
	}
	for len(path) > 1 && s.count(strings.Join(path, " > ")) > limit {
		path = slices.Delete(path, len(path)/3, len(path)/3+1)
	}
	text := strings.ToValidUTF8(strings.Join(path, " > "), "")
	for s.count(text) > limit {
		cut := strings.LastIndexByte(text, ' ')
		if cut < 0 {
			return ""
		}
		text = text[:cut]
	}
	return text
}
