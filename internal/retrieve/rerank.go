package retrieve

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/quarry-search/quarry/internal/chunk"
	"github.com/quarry-search/quarry/internal/rag"
)

// maxSentences bounds what one passage can cost the rescoring.
const maxSentences = 40

// rerank rescores the best fused candidates by the cosine of their best
// sentence. Both scores are normalised over the rescored candidates and
// mixed. Late or without a model, the fused order stands and the result says
// so.
func (r *run) rerank(ctx context.Context) error {
	depth := min(r.opts.RerankDepth, len(r.ranking))
	if depth == 0 {
		return nil
	}
	if r.vector == nil || r.deps.Sentences == nil {
		r.degrade(degradedRerank)
		return nil
	}
	if err := r.hydrate(ctx, depth); err != nil {
		return err
	}
	scoring, cancel := context.WithTimeout(ctx, r.opts.RerankDeadline)
	defer cancel()
	best, err := r.bestSentences(scoring, r.ranking[:depth])
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.degrade(degradedRerank)
		return nil
	}
	r.rescore(best)
	return nil
}

// bestSentences returns the highest cosine between the query and a sentence of
// each candidate's text; NaN for a candidate without text.
func (r *run) bestSentences(ctx context.Context, window []ranked) ([]float64, error) {
	var texts []string
	owner := []int{}
	for i, c := range window {
		text := r.stored[c.Key].Chunk.Text
		spans := chunk.Sentences(text)
		for _, s := range spans[:min(len(spans), maxSentences)] {
			texts = append(texts, text[s[0]:s[1]])
			owner = append(owner, i)
		}
	}
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

// rescore mixes the sentence scores of the window into the ranking. The tail
// keeps its order behind the window: it counts as having the worst sentence.
func (r *run) rescore(best []float64) {
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
		return // no candidate has a sentence
	}
	for i := range best {
		if math.IsNaN(best[i]) {
			best[i] = worst
		}
	}
	zFused, zSentence := normaliser(fused), normaliser(best)
	w := r.opts.RerankWeight
	for i := range r.ranking {
		c := &r.ranking[i]
		sentence := worst
		if i < n {
			sentence = best[i]
			c.rerankScore = &best[i]
		}
		c.score = (1-w)*zFused(c.Score) + w*zSentence(sentence)
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
