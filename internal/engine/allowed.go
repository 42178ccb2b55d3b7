package engine

import (
	"fmt"
	"strings"
	"sync"

	"github.com/quarry-search/quarry/internal/engine/bm25"
	"github.com/quarry-search/quarry/internal/engine/segment"
	"github.com/quarry-search/quarry/internal/filter"
)

// Scope is which documents exist for a caller: all, or those whose access list
// shares an entry with Labels. The zero Scope sees nothing.
type Scope struct {
	All    bool
	Labels []string // sorted
}

// FieldError says that a filter names a key that no live document has.
type FieldError struct{ Key string }

func (e *FieldError) Error() string { return fmt.Sprintf("no document has the field %q", e.Key) }

// checkFields returns a FieldError for the first key of f that is not known.
//
// SECURITY: only documents in scope make a key known: an error must not tell
// what others have.
func (e *Engine) checkFields(v *view, scope Scope, f filter.Filter) error {
	for _, g := range f.Filters {
		if err := e.checkFields(v, scope, g); err != nil {
			return err
		}
	}
	if f.Key == "" || e.options.KnownField(f.Key) || v.hasField(f.Key, scope) {
		return nil
	}
	return &FieldError{f.Key}
}

// hasField reports whether a live document in scope has the key.
func (v *view) hasField(key string, scope Scope) bool {
	for _, p := range v.parts {
		c := p.seg.Field(key)
		if c == nil {
			continue
		}
		if scope.All && p.whole() {
			return true
		}
		visible, _ := p.allowed(setKey(scope, filter.Filter{}), scope, filter.Filter{}).documents(p)
		if c.In(visible) {
			return true
		}
	}
	return false
}

// set is the rows of a part that pass scope and filter.
type set struct {
	rows   segment.Bits
	count  int
	terms  uint64         // total length of the rows
	spoken bm25.Languages // of their documents

	once sync.Once
	list []uint32 // rows that have a vector, ascending: see vectors

	docsOnce sync.Once
	docs     segment.Bits // of the rows: see documents
	docCount int

	mu sync.Mutex
	df map[string]int // postings of a term within rows
}

// vectors returns the rows of the set that have a vector.
func (s *set) vectors(p *part) []uint32 {
	s.once.Do(func() {
		has := p.seg.HasVector()
		if has == nil {
			return
		}
		with := s.rows.Clone()
		with.And(has)
		s.list = with.AppendTo(make([]uint32, 0, with.Count()))
	})
	return s.list
}

// documents returns the documents of the set's rows, and how many there are.
func (s *set) documents(p *part) (docs segment.Bits, count int) {
	s.docsOnce.Do(func() {
		if s.docs == nil {
			s.docs = segment.NewBits(p.seg.Docs())
			s.rows.Each(func(row uint32) { s.docs.Set(p.seg.DocOf(row)) })
		}
		s.docCount = s.docs.Count()
	})
	return s.docs, s.docCount
}

// frequency counts a term's postings within the set.
func (s *set) frequency(term string, l bm25.List) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, ok := s.df[term]
	if !ok {
		n = l.Count(s.rows)
		if len(s.df) < maxFrequencies {
			s.df[strings.Clone(term)] = n
		}
	}
	return n
}

const (
	maxSets        = 64   // kept of each part
	maxFrequencies = 4096 // kept of each set
)

// setCache keeps the sets of one part: they are as immutable as it is.
type setCache struct {
	mu   sync.Mutex
	sets map[string]*set
}

// get returns the set under key, made by f when it is not there.
func (c *setCache) get(key string, f func() *set) *set {
	c.mu.Lock()
	s := c.sets[key]
	c.mu.Unlock()
	if s != nil {
		return s
	}
	s = f()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sets == nil {
		c.sets = map[string]*set{}
	}
	for old := range c.sets {
		if len(c.sets) < maxSets {
			break
		}
		delete(c.sets, old)
	}
	c.sets[key] = s
	return s
}

// allowed returns the rows of the part that are live, in scope and pass the
// filter; key stands for scope and filter.
//
// SECURITY: this is the only place where rows enter a search; what the words of
// a query ask for (constrain) only takes some away.
func (p *part) allowed(key string, scope Scope, f filter.Filter) *set {
	return p.sets.get(key, func() *set {
		docs := p.docs
		if !scope.All {
			docs = p.seg.Visible(scope.Labels)
			docs.And(p.docs)
		}
		if !f.IsZero() {
			match := p.seg.Match(f)
			match.And(docs)
			docs = match
		}
		s := &set{rows: p.rows, count: p.liveRows, terms: p.terms, spoken: p.spoken, df: map[string]int{}}
		if docs.Count() == p.liveDocs {
			return s
		}
		s.rows, s.terms = segment.NewBits(p.seg.Rows()), 0
		p.seg.Spread(s.rows, docs)
		s.count = s.rows.Count()
		lengths := p.seg.Lengths()
		s.rows.Each(func(row uint32) { s.terms += uint64(lengths[row]) })
		s.spoken = p.languages(docs)
		return s
	})
}

// setKey identifies a scope and a filter.
func setKey(scope Scope, f filter.Filter) string {
	var b strings.Builder
	if scope.All {
		b.WriteByte('*')
	} else {
		for _, label := range scope.Labels {
			fmt.Fprintf(&b, "%d:%s", len(label), label)
		}
	}
	if !f.IsZero() {
		b.WriteByte('|')
		filterKey(&b, f)
	}
	return b.String()
}

// filterKey writes a filter so that different ones differ. Its JSON would not
// do: a time and the string that spells it look the same there.
func filterKey(b *strings.Builder, f filter.Filter) {
	fmt.Fprintf(b, "(%s %q", f.Op, f.Key)
	for _, v := range f.Values {
		fmt.Fprintf(b, " %d%s", v.Kind(), v)
	}
	for _, g := range f.Filters {
		filterKey(b, g)
	}
	b.WriteByte(')')
}
