package retrieve

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/quarry-search/quarry/internal/rag"
)

// lookahead is how many candidates are read at once after the first top_k:
// they replace those that collapsed or are no longer visible. An explained
// search reads them in any case, to list the near-duplicates of its last hits.
const lookahead = 10

// selectHits walks down the ranking, reads texts, collapses near-duplicates
// into the hit that stands for them and stops at top_k. What is ordered by
// attributes is a list, where nothing collapses.
//
// SECURITY: the index may lag behind the catalog. A chunk that the catalog no
// longer shows to this scope becomes neither a hit nor a listed duplicate.
func (r *run) selectHits(ctx context.Context) error {
	var kept collapser
	var hydrating, diversifying time.Duration
	r.groups = map[string]int{}
	wanted := r.query.TopK * max(r.query.GroupSize, 1)
	size := wanted
	if r.query.Explain {
		size += lookahead
	}
	end := 0
	for start := 0; start < len(r.ranking) && len(r.result.Hits) < wanted; start = end {
		end = min(start+size, len(r.ranking))
		size = lookahead
		started := time.Now()
		if err := r.hydrate(ctx, end); err != nil {
			return err
		}
		hydrating += time.Since(started)

		started = time.Now()
		for _, c := range r.ranking[start:end] {
			r.place(&kept, c)
		}
		diversifying += time.Since(started)
	}
	r.gather()
	r.took("diversify", diversifying)
	r.took("hydrate", hydrating)
	return nil
}

// place makes a candidate a hit, a duplicate of one, or nothing.
func (r *run) place(kept *collapser, c ranked) {
	stored := r.stored[c.Key]
	if stored.Document.ID == "" {
		return
	}
	full := r.full(c.Key.DocumentID)
	if len(r.query.Sort) == 0 {
		of, duplicate := kept.add(stored.Chunk, full)
		if duplicate {
			if e := r.result.Hits[of].Explain; e != nil {
				e.Duplicates = append(e.Duplicates, c.Key)
			}
			return
		}
	}
	if full {
		return
	}
	r.groups[c.Key.DocumentID]++
	hit := rag.Hit{Rank: len(r.result.Hits) + 1, Score: c.score, Chunk: stored.Chunk, Document: stored.Document}
	if r.query.Explain {
		hit.Explain = &rag.Explanation{
			Dense: c.Dense, Lexical: c.Lexical,
			DenseWeight: c.DenseWeight, DenseZ: c.DenseZ, LexicalZ: c.LexicalZ,
			FusedScore: c.Score, FusedRank: c.fusedRank,
			RerankScore: c.rerankScore, RerankRank: c.rerankRank,
		}
	}
	r.result.Hits = append(r.result.Hits, hit)
}

// full reports that no hit of this document is wanted any more.
func (r *run) full(document string) bool {
	if r.query.GroupSize == 0 {
		return len(r.result.Hits) == r.query.TopK
	}
	n := r.groups[document]
	return n == r.query.GroupSize || n == 0 && len(r.groups) == r.query.TopK
}

// gather puts the hits of each document together, at the place of its first.
func (r *run) gather() {
	if r.query.GroupSize == 0 {
		return
	}
	first := map[string]int{}
	for i, h := range r.result.Hits {
		if _, seen := first[h.Document.ID]; !seen {
			first[h.Document.ID] = i
		}
	}
	slices.SortStableFunc(r.result.Hits, func(a, b rag.Hit) int { return first[a.Document.ID] - first[b.Document.ID] })
	for i := range r.result.Hits {
		r.result.Hits[i].Rank = i + 1
	}
}

func readError(err error) error { return fmt.Errorf("read chunks: %w", err) }
