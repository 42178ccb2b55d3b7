package engine

import (
	"context"
	"slices"
	"time"

	"github.com/quarry-search/quarry/internal/clause"
	"github.com/quarry-search/quarry/internal/filter"
)

// Query asks one collection by words, by meaning, or both.
type Query struct {
	Collection string
	Scope      Scope
	Filter     filter.Filter
	// Text is in the query language of package clause; "" skips the lexical
	// leg. What it requires and excludes holds for both legs.
	Text        string
	SkipLexical bool      // do not rank by Text: it only constrains the dense leg
	Vector      []float32 // [dim], of unit length for cosines; nil skips the dense leg
	Limit       int       // candidates per leg
	Exact       bool      // dense leg by exhaustive exact scan
	// Beam is the width of a search in a graph: wider finds more of the
	// nearest rows and takes longer. 0 takes a good one for Limit.
	Beam int

	// AsOf, when not 0, searches the documents as they stood after this change;
	// one that is not applied yet stands for now. Access is that of now.
	AsOf uint64

	Facets []Facet // values to count among the allowed documents
	// Sort orders the candidates by attributes: no leg runs, and Text, if there
	// is one, only keeps the rows that hold one of its words.
	Sort []SortKey
	// GroupSize, when not 0, is how many rows of one document a leg or an order
	// may hold; Limit counts rows all the same.
	GroupSize int
}

// Paths of the dense leg: how it found its candidates.
const (
	PathExact = "exact" // exact scores of every allowed row
	PathScan1 = "scan1" // 1-bit codes of every allowed row, the best rescored
	PathScan8 = "scan8" // 8-bit codes of every allowed row of a large segment, the best rescored
	// PathGraph: the graphs of large segments, PathScan1 for the small ones.
	PathGraph = "graph"
	// PathFallback: a graph's budget was spent, and its segment scanned.
	PathFallback = "fallback"
)

// Score is a row's standing in one leg.
type Score struct {
	Value float32
	Rank  int  // from 1 among the leg's candidates, 0 when it is not among them
	Known bool // Value is true; false when the leg did not run or the row has no vector
}

// Candidate is a row that a leg found.
type Candidate struct {
	DocID   string
	Version int
	Ordinal int
	Hash    Hash
	Dense   Score // by the collection's metric: see Metric
	Lexical Score // BM25

	SortValues []filter.Value // one for each of Query.Sort, None where the document has no value
}

// Result is both legs' candidates on one snapshot: first the dense leg's in
// their order, then those that only the lexical leg found, in theirs.
type Result struct {
	Seq         uint64
	Candidates  []Candidate
	DenseTook   time.Duration
	LexicalTook time.Duration
	DensePath   string // of the paths above; "" when the leg did not run or had no rows
	Allowed     int    // rows that scope, filter, and what the text requires and excludes let pass
	Documents   int    // documents of these rows
	Facets      []FacetCounts
	// Unknown are the fields of Facets and Sort that no document in scope has.
	Unknown    []string
	Incomplete bool // documents of a damaged segment are not back yet
}

// Search finds the best rows of each leg among those that scope and filter let
// pass, with each one's true score in the other leg; or the first of them by
// attributes. Errors: ErrNoCollection,
// *filter.Error for an ill-formed filter, *FieldError, *clause.Error for a text
// that cannot be searched for, *VectorError for a bad query vector, the
// context's.
//
// The legs run one after the other: each is well below a millisecond, and
// cores are better used by other searches.
func (e *Engine) Search(ctx context.Context, q Query) (Result, error) {
	e.gate.RLock()
	defer e.gate.RUnlock()
	if e.closed {
		return Result{}, ErrClosed
	}
	for {
		result, err := e.search(ctx, q)
		if err == nil || !e.lost(err) {
			return result, err
		}
	}
}

// prepare reads the query's text.
func (e *Engine) prepare(v *view, q Query) (*search, error) {
	text, err := clause.Parse(q.Text)
	return &search{engine: e, view: v, query: q, text: text}, err
}

// search is one search of the present snapshot. Errors may be damage.
func (e *Engine) search(ctx context.Context, q Query) (Result, error) {
	state := e.pin()
	defer state.unpin()
	v := state.view(q.Collection)
	if v == nil {
		return Result{}, ErrNoCollection
	}
	s, err := e.prepare(v, q)
	if err != nil {
		return Result{}, err
	}
	out := Result{Seq: state.seq, Incomplete: v.lost > 0}
	if q.AsOf != 0 && q.AsOf < state.seq {
		past, err := state.asOf(q.Collection, v, q.AsOf)
		if err != nil || past == nil {
			return out, err
		}
		s.view, s.base = past, standing(q.AsOf)
	}
	if err := s.view.ready(); err != nil {
		return Result{}, err
	}
	if err := e.checkQuery(s.view, q); err != nil {
		return Result{}, err
	}
	s.allow()
	if len(q.Sort) > 0 && s.ranksWords() {
		s.narrowToWords()
	}
	s.count(&out)
	if out.Allowed == 0 || q.Limit <= 0 {
		return out, ctx.Err()
	}
	if len(q.Sort) > 0 {
		out.Candidates = s.sorted()
		return out, ctx.Err()
	}
	if err := s.run(ctx, &out); err != nil {
		return Result{}, err
	}
	e.sample(state, q, out)
	return out, nil
}

// count tells how much is allowed, and counts the facets in it.
func (s *search) count(out *Result) {
	for i, p := range s.view.parts {
		_, n := s.sets[i].documents(p)
		out.Documents += n
		out.Allowed += s.sets[i].count
	}
	for _, f := range s.query.Facets {
		s.note(f.Field, out)
		out.Facets = append(out.Facets, s.facet(f))
	}
	for _, key := range s.query.Sort {
		s.note(key.Field, out)
	}
}

// note adds a field that no document in scope has to out.Unknown.
func (s *search) note(field string, out *Result) {
	if !s.engine.options.KnownField(field) && !s.view.hasField(field, s.query.Scope) && !slices.Contains(out.Unknown, field) {
		out.Unknown = append(out.Unknown, field)
	}
}

// checkQuery refuses what cannot be searched.
func (e *Engine) checkQuery(v *view, q Query) error {
	if err := q.Filter.Validate(); err != nil {
		return err
	}
	if err := e.checkFields(v, q.Scope, q.Filter); err != nil {
		return err
	}
	if q.Vector != nil {
		if reason := v.settings.checkVector(q.Vector, v.dim); reason != "" {
			return &VectorError{Reason: reason}
		}
	}
	return nil
}

// run runs both legs.
func (s *search) run(ctx context.Context, out *Result) (err error) {
	var dense, lexical []scored
	began := time.Now()
	if s.query.Vector != nil {
		dense, err = s.grouped(func(s *search) (list []scored, err error) {
			list, out.DensePath, err = s.dense()
			return list, err
		})
		if err != nil {
			return err
		}
		out.DenseTook = time.Since(began)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	began = time.Now()
	if s.ranksWords() {
		lexical, _ = s.grouped(func(s *search) ([]scored, error) { return s.lexical(), nil })
	}
	if out.Candidates, err = s.join(dense, lexical); err != nil {
		return err
	}
	if s.ranksWords() {
		out.LexicalTook = time.Since(began)
	}
	return ctx.Err()
}

// search is one search under way.
type search struct {
	engine *Engine
	view   *view
	query  Query
	text   clause.Query
	base   filter.Filter // of what stood at the time of the query; zero for now
	scoped []*set        // [part] what scope lets pass: statistics count it
	sets   []*set        // [part] what may be found
	wanted []wanted
	words  words
}

// ranksWords reports whether the lexical leg runs.
func (s *search) ranksWords() bool { return s.query.Text != "" && !s.query.SkipLexical }

// allow evaluates scope and filter, and what the text requires and excludes.
func (s *search) allow() {
	s.sets = s.pass(s.query.Filter)
	s.scoped = s.sets
	if len(s.text.Clauses) > 0 {
		if !s.query.Filter.IsZero() {
			s.scoped = s.pass(filter.Filter{})
		}
		s.want()
		s.constrain()
	}
}

// pass returns the rows of each part that scope and filter let pass at the time
// of the query.
func (s *search) pass(f filter.Filter) []*set {
	switch {
	case f.IsZero():
		f = s.base
	case !s.base.IsZero():
		f = filter.All(s.base, f)
	}
	key := setKey(s.query.Scope, f)
	sets := make([]*set, len(s.view.parts))
	for i, p := range s.view.parts {
		sets[i] = p.allowed(key, s.query.Scope, f)
	}
	return sets
}
