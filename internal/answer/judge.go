package answer

import (
	"cmp"
	"context"
	"slices"

	"github.com/quarry-search/quarry/internal/clause"
	"github.com/quarry-search/quarry/internal/rag"
)

// features are what a unit is judged by.
type features struct {
	cosine  float64 // to the question
	share   float64 // of the question's idf mass that the unit holds
	pairs   float64 // of the question's pairs of neighbouring terms that it holds
	before  float64 // share that the sentence before it adds
	refers  float64 // the same, when the unit starts by referring back
	passage float64 // the passage's share of the idf mass
	dense   float64 // cosine of the passage
	offers  float64 // 1: holds the kind of thing asked for
	lacks   float64 // 1: a kind was asked for, and the unit holds none
	defines float64 // 1: starts with what the question wants defined
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
	question := clause.Plain(q.Text)
	asked := a.analyse(question, found.Hits)
	embedErr := a.embed(ctx, question, &asked, units)
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
		if u.dense = denseOf(found.Hits[u.hit]); u.dense == 0 {
			u.dense = cosineByWords(u.passage)
		}
		if j.degraded {
			u.cosine = cosineByWords(u.share)
		}
		u.score = u.judge()
		j.units = append(j.units, u)
	}
	slices.SortStableFunc(j.units, func(x, y *unit) int { return cmp.Compare(y.score, x.score) })
	if len(j.units) > 0 {
		j.confidence = confidence(j.units[0].score, slices.Max(passages))
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
		texts[i] = rag.EmbedText(u.heading, u.text)
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

func (a *Answerer) measure(u *unit, q *analysed) {
	own := a.termSet(u.text)
	u.cosine = dot(q.vector, u.vector)
	u.share = q.mass(own)
	u.pairs = q.held(a.pairSet(u.text))
	before := q.mass(a.termSet(u.text + "\n" + u.previous))
	u.before = before - u.share
	if refersBack(u.text) {
		u.refers = u.before
	}
	if a.defines(u, q) {
		u.defines = 1
		if u.flaw == fragment {
			u.flaw = sound // the row of a glossary
		}
	}
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

// held is the share of the question's pairs of terms among pairs.
func (q *analysed) held(pairs map[string]bool) float64 {
	n := 0
	for pair := range q.pairs {
		if pairs[pair] {
			n++
		}
	}
	return float64(n) / float64(max(len(q.pairs), 1))
}

// denseOf is the cosine of a hit's passage, 0 when the search does not tell.
func denseOf(h rag.Hit) float64 {
	if h.Explain == nil || !h.Explain.Dense.Known {
		return 0
	}
	return float64(h.Explain.Dense.Score)
}

func dot(a, b []float32) float64 {
	var sum float32
	for i := range min(len(a), len(b)) {
		sum += a[i] * b[i]
	}
	return float64(sum)
}
