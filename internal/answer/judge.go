package answer

import (
	"cmp"
	"context"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/quarry-search/quarry/internal/rag"
)

// features are what a unit is judged by.
type features struct {
	cosine  float64 // to the question
	share   float64 // of the question's idf mass that the unit holds
	around  float64 // that neighbours and headings add
	passage float64 // the passage's share of the idf mass
	rank    float64 // of the passage: 1 for the first, then 1/2, 1/3, …
	offers  float64 // 1: holds the kind of thing asked for
	lacks   float64 // 1: a kind was asked for, and the unit holds none
	length  float64 // log2 of its characters by those of a usual sentence
}

// judgement is what reading the passages gave.
type judgement struct {
	units      []*unit // best first
	confidence float64 // that the best unit answers
	degraded   bool    // no vectors: words alone decided
}

// judge cuts the best passages into units and orders them by how well they
// answer.
func (a *Answerer) judge(ctx context.Context, q rag.Question, found rag.SearchResult) (judgement, error) {
	var units []unit
	for i, hit := range found.Hits[:min(a.opts.Passages, len(found.Hits))] {
		units = append(units, unitsOf(i, hit)...)
	}
	asked := a.analyse(q.Text, found)
	embedErr := a.embed(ctx, q.Text, &asked, units)
	if ctx.Err() != nil {
		return judgement{}, ctx.Err()
	}
	passages := make([]float64, len(found.Hits))
	for i := range passages[:min(a.opts.Passages, len(passages))] {
		chunk := found.Hits[i].Chunk
		passages[i] = asked.mass(a.termSet(chunk.EmbedText() + "\n" + found.Hits[i].Document.Version.Title))
	}
	j := judgement{degraded: embedErr != nil}
	for i := range units {
		u := &units[i]
		a.measure(u, &asked)
		u.passage = passages[u.hit]
		u.rank = 1 / float64(u.hit+1)
		u.score = u.judge(j.degraded)
		j.units = append(j.units, u)
	}
	slices.SortStableFunc(j.units, func(x, y *unit) int { return cmp.Compare(y.score, x.score) })
	if len(j.units) > 0 {
		j.confidence = confidence(j.units, j.degraded)
	}
	return j, nil
}

// embed fills in the vectors of question and units, within the deadline.
func (a *Answerer) embed(ctx context.Context, question string, asked *analysed, units []unit) error {
	ctx, cancel := context.WithTimeout(ctx, a.opts.EmbedDeadline)
	defer cancel()
	vectors, err := a.deps.Embedder.Embed(ctx, rag.EmbedQuery, []string{question})
	if err != nil {
		return err
	}
	texts := make([]string, len(units))
	for i, u := range units {
		texts[i] = u.text
	}
	sentences, err := a.deps.Vectors.Vectors(ctx, texts)
	if err != nil {
		return err
	}
	asked.vector = vectors[0]
	for i := range units {
		units[i].vector = sentences[i]
	}
	return nil
}

// usualSentence is the length, in characters, that is neither short nor long.
const usualSentence = 130

func (a *Answerer) measure(u *unit, q *analysed) {
	own := a.termSet(u.text)
	u.cosine = dot(q.vector, u.vector)
	u.share = q.mass(own)
	around := a.termSet(u.around)
	for term := range own {
		around[term] = true
	}
	u.features.around = q.mass(around) - u.share
	u.length = math.Log2(float64(utf8.RuneCountInString(u.text)) / usualSentence)
	if q.expect != anyAnswer {
		if q.offers(u.text) {
			u.offers = 1
		} else {
			u.lacks = 1
		}
	}
}

// mass is the share of the question's idf mass that the terms hold.
func (q *analysed) mass(terms map[string]bool) float64 {
	if q.total == 0 {
		return 0
	}
	var held float64
	for term, weight := range q.terms {
		if terms[term] {
			held += weight
		}
	}
	return held / q.total
}

func dot(a, b []float32) float64 {
	var sum float32
	for i := range min(len(a), len(b)) {
		sum += a[i] * b[i]
	}
	return float64(sum)
}
