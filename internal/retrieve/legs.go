package retrieve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/quarry-search/quarry/internal/clause"
	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

// resolveCollections finds what to search: the collections named, each of
// which the scope must see, or all that it sees.
func (r *run) resolveCollections(ctx context.Context) error {
	if len(r.query.Collections) == 0 {
		all, err := r.deps.Catalog.ListCollections(ctx, r.scope)
		if err != nil {
			return fmt.Errorf("list collections: %w", err)
		}
		r.collections = all
		return nil
	}
	names := slices.Clone(r.query.Collections)
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		c, err := r.deps.Catalog.Collection(ctx, r.scope, name)
		if err != nil {
			return fmt.Errorf("find collection: %w", err)
		}
		r.collections = append(r.collections, c)
	}
	return nil
}

// resolveMoment turns the query's AsOf into a change, which the index must have
// applied: only then is its past complete up to it.
func (r *run) resolveMoment(ctx context.Context) error {
	at := r.query.AsOf
	if at == nil {
		return nil
	}
	head, err := r.deps.Catalog.Head(ctx)
	if err != nil {
		return fmt.Errorf("read head of the log: %w", err)
	}
	if r.asOf = at.Seq; at.Seq == 0 {
		if r.asOf, err = r.deps.Catalog.SeqAt(ctx, at.Time); err != nil {
			return fmt.Errorf("find the change at a time: %w", err)
		}
	}
	switch {
	case r.asOf > head:
		return rag.Invalid("/as_of", fmt.Sprintf("change %d is yet to come: the last one is %d", r.asOf, head))
	case r.asOf == 0:
		return rag.Invalid("/as_of", "there was nothing yet at that time")
	}
	r.query.MinSeq = max(r.query.MinSeq, r.asOf)
	return nil
}

// waitFresh blocks until the index shows what the query insists on. To wait
// for vectors without a min_seq means: of everything committed by now.
func (r *run) waitFresh(ctx context.Context) error {
	q := r.query
	if q.MinSeq == 0 && !q.WaitVectors {
		return nil
	}
	seq := q.MinSeq
	if seq == 0 {
		head, err := r.deps.Catalog.Head(ctx)
		if err != nil {
			return fmt.Errorf("read head of the log: %w", err)
		}
		seq = head
	}
	waiting, cancel := context.WithTimeout(ctx, q.Wait)
	defer cancel()
	wait := r.deps.Freshness.WaitApplied
	if q.WaitVectors {
		wait = r.deps.Freshness.WaitVectors
	}
	err := wait(waiting, seq)
	if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return &rag.Error{Code: rag.CodeStale, Field: "/min_seq", Err: err,
			Message: fmt.Sprintf("change %d was not searchable within %v; try again", seq, q.Wait)}
	}
	if err != nil {
		return fmt.Errorf("wait for change %d: %w", seq, err)
	}
	return nil
}

// embedQuery fills in the query's vector where a leg or the rescoring needs
// it. Hybrid search goes on without; so does lexical search, whose rescoring
// is then left out.
func (r *run) embedQuery(ctx context.Context) error {
	if !r.needsEmbedding() {
		return nil
	}
	embedding, cancel := context.WithTimeout(ctx, r.opts.EmbedDeadline)
	defer cancel()
	vectors, err := r.deps.Embedder.Embed(embedding, rag.EmbedQuery, []string{clause.Plain(r.query.Text)})
	if err == nil && len(vectors) != 1 {
		err = fmt.Errorf("embedder returned %d vectors for one text", len(vectors))
	}
	switch {
	case err == nil:
		r.vector = vectors[0]
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case r.query.Mode == rag.Hybrid:
		r.degrade(degradedDense)
		return nil
	case r.query.Mode == rag.Lexical:
		return nil
	}
	return &rag.Error{Code: rag.CodeUnavailable, Message: "the embedding model did not answer; mode lexical needs none", Err: err}
}

// needsEmbedding reports whether a leg or the rescoring compares with the
// model's vector of the query.
func (r *run) needsEmbedding() bool {
	if r.query.Text == "" || r.query.Mode == rag.Browse {
		return false
	}
	if r.query.Rerank == rag.RerankSentences {
		return true
	}
	return r.query.Mode != rag.Lexical && r.query.Vector == nil &&
		slices.ContainsFunc(r.collections, func(c rag.Collection) bool { return c.Settings.Vectors.Source != rag.VectorsGiven })
}

func (r *run) degrade(stage string) {
	if !slices.Contains(r.result.Degraded, stage) {
		r.result.Degraded = append(r.result.Degraded, stage)
	}
}

// searchLegs asks every collection, a few at a time, and joins what they find.
func (r *run) searchLegs(ctx context.Context) ([]rag.Candidate, error) {
	found := make([]rag.Candidates, len(r.collections))
	unknown := make([]error, len(r.collections))
	ranDense := make([]bool, len(r.collections))
	group, searching := errgroup.WithContext(ctx)
	group.SetLimit(r.opts.Fanout)
	for i, c := range r.collections {
		leg, err := r.legQuery(c)
		if err != nil {
			return nil, err
		}
		ranDense[i] = leg.Vector != nil
		if leg.Vector == nil && r.query.Mode != rag.Lexical && r.query.Mode != rag.Browse {
			r.degrade(degradedDense)
		}
		if leg.Vector == nil && leg.SkipLexical && len(leg.Sort) == 0 && len(leg.Facets) == 0 {
			continue
		}
		group.Go(func() (err error) {
			found[i], err = r.deps.Index.Search(searching, r.scope, leg)
			switch rag.CodeOf(err) {
			case rag.CodeNotFound: // created, and the index has not read so far
				return nil
			case rag.CodeUnknownField:
				unknown[i] = err
				return nil
			}
			if err != nil {
				return fmt.Errorf("search collection %s: %w", c.Name, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if err := r.unknownField(unknown); err != nil {
		return nil, err
	}
	if err := r.fields(found); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(found, func(c rag.Candidates) bool { return c.Incomplete }) {
		r.degrade(degradedIndex)
	}
	r.setMode(slices.Contains(ranDense, true))
	return r.join(found), nil
}

func (r *run) legQuery(c rag.Collection) (leg rag.LegQuery, err error) {
	leg = rag.LegQuery{
		Collection: c.Name, Filter: r.query.Filter,
		Limit: r.query.Candidates, Exact: r.query.Mode == rag.Exact,
		Text: r.query.Text, AsOf: r.asOf, Sort: r.query.Sort, GroupSize: r.query.GroupSize, Facets: slices.Clone(r.query.Facets),
	}
	if len(r.collections) > 1 { // counts can be added up only when all are there
		for i := range leg.Facets {
			leg.Facets[i].Limit = 0
		}
	}
	if r.query.Mode != rag.Hybrid && r.query.Mode != rag.Lexical {
		leg.SkipLexical = true
		if text, err := clause.Parse(r.query.Text); err != nil || !text.Constrained() {
			leg.Text = ""
		}
	}
	if r.query.Mode == rag.Lexical || r.query.Mode == rag.Browse {
		return leg, nil
	}
	if r.query.Vector != nil {
		leg.Vector, err = c.Settings.Vectors.Vector("/vector", r.query.Vector)
		return leg, err
	}
	// Invariant: vectors of different fingerprints never meet.
	if c.Fingerprint == "" || c.Fingerprint == r.deps.Embedder.Fingerprint() {
		leg.Vector = r.vector
	}
	if leg.Vector == nil && leg.Text == "" && c.Settings.Vectors.Source == rag.VectorsGiven && len(r.query.Collections) > 0 {
		return leg, rag.Invalid("/vector", fmt.Sprintf("the vectors of collection %q were given: to search it by meaning, give the query's", c.Name))
	}
	return leg, nil
}

// unknownField decides whether a field that some collections do not know
// fails the search. It does when none knows it, and when leaving out the
// collections that do not know it could hide a match.
func (r *run) unknownField(unknown []error) error {
	var first error
	count := 0
	for _, err := range unknown {
		if err != nil {
			first = cmp.Or(first, err)
			count++
		}
	}
	if count == 0 || (count < len(unknown) && needsEveryField(r.query.Filter)) {
		return nil
	}
	return first
}

// needsEveryField reports whether f fails for any document that lacks one of
// its fields: a conjunction of tests that are false where the field is missing.
func needsEveryField(f filter.Filter) bool {
	switch f.Op {
	case filter.And:
		return !slices.ContainsFunc(f.Filters, func(g filter.Filter) bool { return !needsEveryField(g) })
	case filter.Or, filter.Not, filter.Ne, filter.Nin, "":
		return false
	case filter.Exists:
		return f.Value().Bool()
	}
	return true
}

// setMode records the mode that ran.
func (r *run) setMode(dense bool) {
	r.result.Mode = r.query.Mode
	if r.query.Mode == rag.Hybrid && !dense && len(r.collections) > 0 {
		r.result.Mode = rag.Lexical
	}
}

// join adds up what the collections found. The snapshot's seq is the oldest.
func (r *run) join(found []rag.Candidates) []rag.Candidate {
	var all []rag.Candidate
	var dense, lexical time.Duration
	for i, f := range found {
		if f.Seq != 0 && (r.result.Seq == 0 || f.Seq < r.result.Seq) {
			r.result.Seq = f.Seq
		}
		for _, c := range f.Candidates {
			c.Collection = r.collections[i].Name
			all = append(all, c)
		}
		dense, lexical = max(dense, f.DenseTook), max(lexical, f.LexicalTook)
		if f.DensePath != "" {
			r.result.DensePaths = append(r.result.DensePaths, f.DensePath)
		}
	}
	r.took("dense", dense)
	r.took("lexical", lexical)
	return all
}

// denseWeight is the query's, else the collection's, else the default.
func (r *run) denseWeight(collection string) float64 {
	if r.query.DenseWeight != nil {
		return *r.query.DenseWeight
	}
	i := slices.IndexFunc(r.collections, func(c rag.Collection) bool { return c.Name == collection })
	if i >= 0 && r.collections[i].Settings.DenseWeight != nil {
		return *r.collections[i].Settings.DenseWeight
	}
	return r.opts.DenseWeight
}
