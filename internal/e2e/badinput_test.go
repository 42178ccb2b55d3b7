package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/quarry-search/quarry/api"
)

// TestBadQueries sends searches that cannot be carried out: each is refused
// with the place of its fault, and the server goes on.
func TestBadQueries(t *testing.T) {
	s := start(t, t.TempDir())
	s.collection(t, "docs")
	text := "# Heron\n\nThe heron stands in the water.\n"
	_, err := s.PutDocument(t.Context(), "docs", api.PutDocument{URI: "heron", Text: &text, MediaType: "text/markdown", Attributes: map[string]any{"year": 2026, "tag": []string{"bird"}}})
	if err != nil {
		t.Fatal(err)
	}
	s.uris(t, api.SearchRequest{Query: "heron", Wait: "vectors", WaitMS: 20000})

	filtered := func(filter string) string { return `{"query":"heron","filter":` + filter + `}` }
	clause := `{"type":"eq","key":"year","value":2026}`
	many := `{"type":"or","filters":[` + strings.Repeat(clause+",", 9_999) + clause + `]}`
	deep := strings.Repeat(`{"type":"not","filters":[`, 2000) + clause + strings.Repeat(`]}`, 2000)
	mongo := strings.Repeat(`{"$not":`, 5000) + `{"year":1}` + strings.Repeat(`}`, 5000)
	values := `{"type":"in","key":"year","value":[` + strings.Repeat("1,", 20_000) + `1]}`
	for name, bad := range map[string]struct {
		body, code, pointer string
	}{
		"unknown field":          {filtered(`{"type":"eq","key":"yaer","value":2026}`), "unknown_field", "/filter"},
		"unknown field, nested":  {filtered(`{"type":"and","filters":[` + clause + `,{"type":"not","filters":[{"type":"exists","key":"colour","value":true}]}]}`), "unknown_field", "/filter"},
		"unknown operator":       {filtered(`{"type":"near","key":"year","value":1}`), "invalid_filter", "/filter/type"},
		"value is an object":     {filtered(`{"type":"eq","key":"year","value":{"a":1}}`), "invalid_filter", "/filter/value"},
		"value is missing":       {filtered(`{"type":"eq","key":"year"}`), "invalid_filter", "/filter"},
		"list for a single":      {filtered(`{"type":"gt","key":"year","value":[1,2]}`), "invalid_filter", "/filter/value"},
		"single for a list":      {filtered(`{"type":"in","key":"year","value":1}`), "invalid_filter", "/filter/value"},
		"number for a prefix":    {filtered(`{"type":"prefix","key":"year","value":1}`), "invalid_filter", "/filter/value"},
		"text for exists":        {filtered(`{"type":"exists","key":"year","value":"yes"}`), "invalid_filter", "/filter/value"},
		"order of booleans":      {filtered(`{"type":"gt","key":"year","value":true}`), "invalid_filter", "/filter/value"},
		"10,000 clauses":         {filtered(many), "invalid_filter", "/filter"},
		"2,000 levels":           {filtered(deep), "invalid_filter", "/filter"},
		"5,000 levels":           {filtered(mongo), "invalid_filter", "/filter"},
		"20,000 values":          {filtered(values), "invalid_filter", "/filter"},
		"filter is a list":       {filtered(`[]`), "invalid_filter", "/filter"},
		"filter is text":         {filtered(`"year"`), "invalid_filter", "/filter"},
		"no query":               {`{}`, "invalid_request", "/query"},
		"empty query":            {`{"query":""}`, "invalid_request", "/query"},
		"white query":            {`{"query":" \n\t "}`, "invalid_request", "/query"},
		"query of 1 MB":          {`{"query":"` + strings.Repeat("heron ", 180_000) + `"}`, "too_large", ""},
		"query of 100 kB":        {`{"query":"` + strings.Repeat("heron ", 17_000) + `"}`, "invalid_request", "/query"},
		"one word of 100 kB":     {`{"query":"` + strings.Repeat("x", 100_000) + `"}`, "invalid_request", "/query"},
		"top_k of 0":             {`{"query":"heron","top_k":0}`, "invalid_request", "/top_k"},
		"top_k of -1":            {`{"query":"heron","top_k":-1}`, "invalid_request", "/top_k"},
		"top_k of a million":     {`{"query":"heron","top_k":1000000}`, "invalid_request", "/top_k"},
		"top_k past integers":    {`{"query":"heron","top_k":1e30}`, "invalid_request", "/top_k"},
		"top_k is text":          {`{"query":"heron","top_k":"10"}`, "invalid_request", "/top_k"},
		"unknown mode":           {`{"query":"heron","mode":"psychic"}`, "invalid_request", "/mode"},
		"unknown member":         {`{"query":"heron","topk":3}`, "invalid_request", "/topk"},
		"weight out of range":    {`{"query":"heron","dense_weight":1.5}`, "invalid_request", "/dense_weight"},
		"unknown collection":     {`{"query":"heron","collections":["absent"]}`, "not_found", ""},
		"vector of 5,000 zeros":  {`{"vector":[` + strings.Repeat("0,", 4999) + `0]}`, "invalid_request", "/vector"},
		"vector that is not one": {`{"vector":[1,"a",3]}`, "invalid_request", "/vector/1"},
		"vector of another size": {`{"query":"heron","vector":[1,2,3]}`, "invalid_request", "/vector"},
		"body is not JSON":       {`{"query":`, "", ""},
		"body is a list":         {`[1]`, "invalid_request", ""},
	} {
		status, body := s.postRaw(t, "/v1/search", bad.body)
		var p api.Problem
		if err := json.Unmarshal([]byte(body), &p); err != nil || status < 400 || status >= 500 || p.Detail == "" {
			t.Errorf("%s: %d %s", name, status, shortened(body))
			continue
		}
		if bad.code != "" && p.Code != bad.code {
			t.Errorf("%s: code %q: %s", name, p.Code, shortened(body))
		}
		if bad.pointer != "" && (len(p.Errors) == 0 || !strings.HasPrefix(p.Errors[0].Pointer, bad.pointer)) {
			t.Errorf("%s: no word of %s: %s", name, bad.pointer, shortened(body))
		}
		if key := map[string]string{"unknown field": "yaer", "unknown field, nested": "colour"}[name]; !strings.Contains(p.Detail, key) {
			t.Errorf("%s: no word of %s: %s", name, key, shortened(body))
		}
		if len(body) > 4096 {
			t.Errorf("%s: the answer has %d bytes", name, len(body))
		}
	}
	if got := s.uris(t, api.SearchRequest{Query: "heron"}); len(got) != 1 {
		t.Errorf("afterwards: %v", got)
	}
}

func shortened(s string) string { return s[:min(len(s), 600)] }
