package retrieve

import (
	"context"
	"fmt"
	"time"

	"github.com/quarry-search/quarry/internal/rag"
)

// lookahead is how many candidates are read at once after the first top_k:
// they replace those that collapsed or are no longer visible. An explained
// search reads them in any case, to list the near-duplicates of its last hits.
const lookahead = 10

// selectHits walks down the ranking, reads texts, collapses near-duplicates
// into the hit that stands for them and stops at top_k.
//
// SECURITY: the index may lag behind the catalog. A chunk that the catalog no
// longer shows to this scope becomes neither a hit nor a listed duplicate.
func (r *run) selectHits(ctx context.Context) error {
	var kept collapser
	var hydrating, diversifying time.Duration
	size := r.query.TopK
	if r.query.Explain {
		size += lookahead
	}
	end := 0
	for start := 0; start < len(r.ranking) && len(r.result.Hits) < r.query.TopK; start = end {
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
	full := len(r.result.Hits) == r.query.TopK
	of, duplicate := kept.add(stored.Chunk, full)
	if duplicate {
		if e := r.result.Hits[of].Explain; e != nil {
			e.Duplicates = append(e.Duplicates, c.Key)
		}
		return
	}
	if full {
		return
	}
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

func readError(err error) error { return fmt.Errorf("read chunks: %w", err) }
