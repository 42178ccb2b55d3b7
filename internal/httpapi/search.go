package httpapi

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/quarry-search/quarry/api"
	"github.com/quarry-search/quarry/internal/filter"
	"github.com/quarry-search/quarry/internal/rag"
)

type searchInput struct {
	Body api.SearchRequest
}

type searchOutput struct {
	Body api.SearchResponse
}

func (s *server) registerSearch() {
	register(s, operation{
		id: "search", method: http.MethodPost, path: "/v1/search", tag: "Search", kind: "search", role: rag.RoleReader,
		summary: "Search",
		detail:  "Finds the passages that best match a query, by words, by meaning, or by both; or, with sort, lists what passes in the order of its attributes. facets counts the values of attributes among all that passes. With min_seq it first waits until the index has applied that change.",
		errors:  []int{400, 404, 422, 429, 503, 504},
		example: map[string]any{"query": "how do I restore a backup", "top_k": 3, "filter": map[string]any{"kind": "markdown"}},
	}, s.search)
}

func (s *server) search(ctx context.Context, p rag.Principal, in *searchInput) (*searchOutput, error) {
	q, err := queryOf(in.Body)
	if err != nil {
		return nil, err
	}
	leave, err := s.gate.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	start := s.Now()
	result, err := s.Searcher.Search(ctx, p, q)
	if err != nil {
		return nil, err
	}
	st := stateOf(ctx)
	st.note(slog.String("mode", string(result.Mode)))
	st.note(slog.Int("hits", len(result.Hits)))
	st.degraded(result.Degraded)
	return &searchOutput{searchOf(result, s.Now().Sub(start))}, nil
}

// queryOf checks what the schema cannot and turns the request into a Query.
func queryOf(in api.SearchRequest) (rag.Query, error) {
	if strings.TrimSpace(in.Query) == "" && in.Vector == nil && len(in.Sort) == 0 && len(in.Facets) == 0 {
		return rag.Query{}, rag.Invalid("/query", "must hold more than white space: only a search with a vector, sort or facets needs no query")
	}
	if in.GroupSize != 0 && in.GroupBy == "" {
		return rag.Query{}, rag.Invalid("/group_size", "is for group_by")
	}
	f, err := filter.Parse(in.Filter)
	if err != nil {
		return rag.Query{}, err
	}
	q := rag.Query{
		Text: in.Query, Vector: in.Vector, Collections: in.Collections, Filter: f.Simplify(), TopK: in.TopK,
		Mode: rag.Mode(in.Mode), Rerank: rag.Rerank(in.Rerank), DenseWeight: in.DenseWeight,
		MinSeq: in.MinSeq, WaitVectors: in.Wait == "vectors", Wait: time.Duration(in.WaitMS) * time.Millisecond,
		Explain: in.Explain,
	}
	if in.AsOf != "" {
		if q.AsOf, err = momentOf(in.AsOf); err != nil {
			return rag.Query{}, err
		}
	}
	for _, f := range in.Facets {
		q.Facets = append(q.Facets, rag.Facet(f))
	}
	for _, k := range in.Sort {
		q.Sort = append(q.Sort, rag.SortKey{Field: k.Field, Descending: k.Order == "desc"})
	}
	if in.GroupBy != "" {
		q.GroupSize = cmp.Or(in.GroupSize, defaultGroupSize)
	}
	return q, nil
}

const defaultGroupSize = 3

// momentOf reads a seq or a time.
func momentOf(s string) (*rag.Moment, error) {
	if seq, err := strconv.ParseUint(s, 10, 53); err == nil && seq > 0 {
		return &rag.Moment{Seq: seq}, nil
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return nil, rag.Invalid("/as_of", "must be the seq of a change, or an RFC 3339 time as in 2026-03-01T12:00:00Z")
	}
	return &rag.Moment{Time: at}, nil
}
