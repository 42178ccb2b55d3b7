package retrieve

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/quarry-search/quarry/internal/clause"
	"github.com/quarry-search/quarry/internal/rag"
)

// Limits of a query.
const (
	MaxQueryChars  = 8192
	MaxTopK        = 1000
	DefaultTopK    = 10
	MaxCollections = 100
	maxCandidates  = 10_000
)

// validate checks q and fills in its defaults.
func (r *Retriever) validate(q rag.Query) (_ rag.Query, err error) {
	if strings.TrimSpace(q.Text) == "" {
		if q.Vector == nil && len(q.Sort) == 0 && len(q.Facets) == 0 {
			return q, rag.Invalid("/query", "the query is empty: only a search with a vector, sort or facets needs none")
		}
		q.Text = ""
	}
	if !utf8.ValidString(q.Text) {
		return q, rag.Invalid("/query", "the query is not valid UTF-8")
	}
	if n := utf8.RuneCountInString(q.Text); n > MaxQueryChars {
		return q, rag.Invalid("/query", fmt.Sprintf("the query has %d characters; at most %d are allowed", n, MaxQueryChars))
	}
	var bad *clause.Error
	if _, err = clause.Parse(q.Text); errors.As(err, &bad) {
		return q, rag.Invalid("/query", "the query cannot be searched for: "+bad.Message)
	}
	setDefault(&q.TopK, DefaultTopK)
	if q.TopK < 1 || q.TopK > MaxTopK {
		return q, rag.Invalid("/top_k", fmt.Sprintf("top_k must be between 1 and %d, not %d", MaxTopK, q.TopK))
	}
	setDefault(&q.Mode, rag.Hybrid)
	switch q.Mode {
	case rag.Hybrid, rag.Dense, rag.Lexical, rag.Exact:
	default:
		return q, rag.Invalid("/mode", fmt.Sprintf("mode %q is unknown; use hybrid, dense, lexical or exact", q.Mode))
	}
	if q, err = validAttributes(q); err != nil {
		return q, err
	}
	if q, err = validVector(q); err != nil {
		return q, err
	}
	if q.Rerank, err = r.validRerank(q.Rerank); err != nil {
		return q, err
	}
	if w := q.DenseWeight; w != nil && !(*w >= 0 && *w <= 1) {
		return q, rag.Invalid("/dense_weight", "dense_weight must be between 0 and 1")
	}
	if len(q.Collections) > MaxCollections {
		return q, rag.Invalid("/collections", fmt.Sprintf("at most %d collections can be named", MaxCollections))
	}
	if q.Candidates < 0 || q.Candidates > maxCandidates {
		return q, rag.Invalid("/candidates", fmt.Sprintf("candidates must be between 1 and %d", maxCandidates))
	}
	setDefault(&q.Candidates, min(maxCandidates, max(r.opts.Candidates, q.TopK*max(q.GroupSize, 1))))
	setDefault(&q.Wait, r.opts.Wait)
	if q.Wait < 0 || q.Wait > r.opts.MaxWait {
		return q, rag.Invalid("/wait_ms", fmt.Sprintf("the wait must be at most %v", r.opts.MaxWait))
	}
	return q, nil
}

// validVector settles what runs when there is a vector and no text.
func validVector(q rag.Query) (rag.Query, error) {
	if q.Vector == nil || q.Text != "" {
		return q, nil
	}
	if q.Mode == rag.Lexical {
		return q, rag.Invalid("/query", "mode lexical needs a query")
	}
	if q.Rerank != "" && q.Rerank != rag.RerankNone {
		return q, rag.Invalid("/rerank", "rerank needs a query")
	}
	q.Rerank = rag.RerankNone
	return q, nil
}

// validRerank fills in the default: the configured reranker, where there is
// one.
func (r *Retriever) validRerank(stage rag.Rerank) (rag.Rerank, error) {
	switch stage {
	case "":
		if r.deps.Reranker != nil {
			return rag.RerankModel, nil
		}
		return rag.RerankNone, nil
	case rag.RerankNone, rag.RerankSentences:
		return stage, nil
	case rag.RerankModel:
		if r.deps.Reranker == nil {
			return "", rag.Invalid("/rerank", "no reranker is configured; use none or sentences")
		}
		return stage, nil
	}
	return "", rag.Invalid("/rerank", fmt.Sprintf("rerank %q is unknown; use none, sentences or model", stage))
}
