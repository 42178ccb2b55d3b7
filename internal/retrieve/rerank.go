package retrieve

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/quarry-search/quarry/internal/clause"
	"github.com/quarry-search/quarry/internal/rag"
)

// maxSentences bounds what one passage can cost the rescoring.
const maxSentences = 40

// rerank rescores the best fused candidates: by the cosine of their best
// sentence, or by the reranker. Both scores are normalised over the rescored
// candidates and mixed. Late, failed or without a model, the fused order stands
// and the result says so.
func (r *run) rerank(ctx context.Context) error {
	depth := min(r.opts.RerankDepth, len(r.ranking))
	if depth == 0 {
		return nil
	}
	score, weight := r.bestSentences, r.opts.RerankWeight
	if r.query.Rerank == rag.RerankModel {
		score, weight = r.relevances, r.opts.ModelWeight
	} else if r.vector == nil || r.deps.Sentences == nil {
		r.degrade(degradedRerank)
		return nil
	}
	if err := r.hydrate(ctx, depth); err != nil {
		return err
	}
	scoring, cancel := context.WithTimeout(ctx, r.opts.RerankDeadline)
	defer cancel()
	scores, err := score(scoring, r.ranking[:depth])
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.degrade(degradedRerank)
		return nil
	}
	r.rescore(scores, weight)
	return nil
}

// relevances asks the reranker for the relevance of each candidate's text, with
// the headings that it stands under; NaN for a candidate without text.
func (r *run) relevances(ctx context.Context, window []ranked) ([]float64, error) {
	scores := make([]float64, len(window))
	var passages []string
	var owner []int
	for i, c := range window {
		scores[i] = math.NaN()
		if chunk := r.stored[c.Key].Chunk; chunk.Text != "" {
			passages = append(passages, chunk.EmbedText())
			owner = append(owner, i)
		}
	}
	relevances, err := r.deps.Reranker.Rerank(ctx, clause.Plain(r.query.Text), passages)
	if err != nil {
		return nil, fmt.Errorf("rerank: %w", err)
	}
	if len(relevances) != len(passages) {
		return nil, fmt.Errorf("rerank: %d scores for %d passages", len(relevances), len(passages))
	}
	for i, s := range relevances {
		scores[owner[i]] = float64(s)
	}
	return scores, nil
}

// bestSentences returns the highest cosine between the query and a sentence of
// each candidate's text; NaN for a candidate without text.
func (r *run) bestSentences(ctx context.Context, window []ranked) ([]float64, error) {
	passages := make([]string, len(window))
	for i, c := range window {
		passages[i] = r.stored[c.Key].Chunk.Text
	}
	texts, owner := sentencesOf(passages)
	vectors, err := r.deps.Sentences.Vectors(ctx, texts)
	if err != nil {
		return nil, err
	}
	best := make([]float64, len(window))
	for i := range best {
		best[i] = math.NaN()
	}
	for i, v := range vectors {
		if c := dot(r.vector, v); !(best[owner[i]] >= c) {
			best[owner[i]] = c
		}
	}
	return best, nil
}

// rescore mixes the scores of the window, at weight w, into the ranking. The
// tail counts as having the worst score of the window.
func (r *run) rescore(best []float64, w float64) {
	n := len(best)
	fused := make([]float64, n)
	for i := range fused {
		fused[i] = r.ranking[i].Score
	}
	worst := math.Inf(1)
	for _, b := range best {
		if b < worst {
			worst = b
		}
	}
	if math.IsInf(worst, 1) {
		return // no candidate has a score
	}
	for i := range best {
		if math.IsNaN(best[i]) {
			best[i] = worst
		}
	}
	zFused, zScore := normaliser(fused), normaliser(best)
	for i := range r.ranking {
		c := &r.ranking[i]
		score := worst
		if i < n {
			score = best[i]
			c.rerankScore = &best[i]
		}
		c.score = (1-w)*zFused(c.Score) + w*zScore(score)
	}
	slices.SortStableFunc(r.ranking, func(a, b ranked) int { return cmp.Compare(b.score, a.score) })
	for i := range r.ranking {
		if r.ranking[i].rerankScore != nil {
			r.ranking[i].rerankRank = i + 1
		}
	}
}

// normaliser returns the z-score under the sample's mean and deviation.
func normaliser(sample []float64) func(float64) float64 {
	var mean, variance float64
	for _, s := range sample {
		mean += s / float64(len(sample))
	}
	for _, s := range sample {
		variance += (s - mean) * (s - mean) / float64(len(sample))
	}
	std := math.Sqrt(variance)
	if std < 1e-9 {
		std = 1
	}
	return func(s float64) float64 { return (s - mean) / std }
}

func dot(a, b []float32) float64 {
	var sum float32
	for i := range min(len(a), len(b)) {
		sum += a[i] * b[i]
	}
	return float64(sum)
}

// hydrate reads the stored chunks of the first n candidates that were not
// read before, in one call. Candidates that are no longer visible get the zero
// StoredChunk.
func (r *run) hydrate(ctx context.Context, n int) error {
	if r.stored == nil {
		r.stored = map[rag.ChunkKey]rag.StoredChunk{}
	}
	var keys []rag.ChunkKey
	for _, c := range r.ranking[:min(n, len(r.ranking))] {
		if _, ok := r.stored[c.Key]; !ok {
			keys = append(keys, c.Key)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	chunks, err := r.deps.Catalog.Chunks(ctx, r.scope, keys)
	if err != nil {
		return readError(err)
	}
	for i, key := range keys {
		r.stored[key] = chunks[i]
	}
	return nil
}
