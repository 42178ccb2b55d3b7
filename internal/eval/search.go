package eval

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

// Depth of the measured rankings.
const (
	candidatesPerLeg = 100
	hitsPerQuestion  = 2 * candidatesPerLeg // what both legs can find
)

// ranking is what one question found: documents, best first.
type ranking struct {
	question string
	ids      []string
	scores   []float64
}

// measure asks every question in one mode.
func (r *runner) measure(ctx context.Context, mode rag.Mode, questions []Entry) (ModeReport, error) {
	report := ModeReport{Mode: mode}
	var runs []ranking
	var took []time.Duration
	var ndcg, recall10, recall100, mrr []float64
	for _, q := range questions {
		query, err := r.query(q, mode)
		if err != nil {
			return report, err
		}
		started := time.Now()
		found, err := r.Search.Search(ctx, r.Principal, query)
		if err != nil {
			return report, fmt.Errorf("question %q: %w", q.ID, err)
		}
		took = append(took, time.Since(started))
		report.Degraded += min(len(found.Degraded), 1)
		got := documents(q.ID, found, r.uris)
		runs = append(runs, got)
		judged := r.set.Judged[q.ID]
		ndcg = append(ndcg, NDCGAt(10, got.ids, judged))
		recall10 = append(recall10, RecallAt(10, got.ids, judged))
		recall100 = append(recall100, RecallAt(100, got.ids, judged))
		mrr = append(mrr, MRR(got.ids, judged))
	}
	report.NDCG10, report.perQuestion = Bootstrap(ndcg), ndcg
	report.Recall10, report.Recall100, report.MRR = mean(recall10), mean(recall100), mean(mrr)
	report.P50MS, report.P99MS = percentile(took, 50), percentile(took, 99)
	if r.opts.Run != "" {
		report.Run = r.runPath(mode)
		return report, writeRun(report.Run, "quarry-"+string(mode), runs)
	}
	return report, nil
}

func (r *runner) query(q Entry, mode rag.Mode) (rag.Query, error) {
	query := rag.Query{
		Text: q.Text, Collections: []string{r.collection}, Mode: mode,
		TopK: hitsPerQuestion, Candidates: candidatesPerLeg, Explain: true,
	}
	if mode == rag.Hybrid {
		query.Rerank = r.opts.Rerank
	}
	if r.opts.FilterBy == "" {
		return query, nil
	}
	v, err := filter.ValueOf(q.Metadata[r.opts.FilterBy])
	if err != nil {
		return query, fmt.Errorf("question %q: metadata.%s: %w", q.ID, r.opts.FilterBy, err)
	}
	query.Filter = filter.Test(filter.Eq, r.opts.FilterBy, v)
	return query, nil
}

// documents folds chunks into documents: the best chunk's place counts.
// Documents that a hit stands for as near-duplicates follow it, since the
// judgements name each by its own id.
func documents(question string, found rag.SearchResult, uris map[string]string) ranking {
	out := ranking{question: question}
	seen := map[string]bool{}
	add := func(id string, score float64) {
		if !seen[id] {
			seen[id] = true
			out.ids = append(out.ids, id)
			out.scores = append(out.scores, score)
		}
	}
	for _, h := range found.Hits {
		add(h.Document.URI, h.Score)
		if h.Explain == nil {
			continue
		}
		for _, key := range h.Explain.Duplicates {
			if uri, ok := uris[key.DocumentID]; ok {
				add(uri, h.Score)
			}
		}
	}
	return out
}

func percentile(took []time.Duration, p int) float64 {
	if len(took) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(took))
	return float64(sorted[min(len(sorted)*p/100, len(sorted)-1)].Microseconds()) / 1000
}
