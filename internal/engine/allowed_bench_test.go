package engine

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/quarry-search/quarry/internal/engine/segment"
	"github.com/quarry-search/quarry/internal/filter"
)

var benchDocs = flag.Int("docs", 100_000, "documents of one row each in the benchmarks of filters")

// attributed is one part of -docs documents with attributes of all sorts, each
// seen by 3 of 1,000 labels.
var attributed = sync.OnceValue(func() *part {
	r := rand.New(rand.NewPCG(1, 1))
	docs := make([]segment.Document, *benchDocs)
	labels := make([]string, 1000)
	for i := range labels {
		labels[i] = label(i)
	}
	for i := range docs {
		docs[i] = segment.Document{
			ID:     fmt.Sprintf("%08d", i),
			Access: []string{labels[r.IntN(1000)], labels[r.IntN(1000)], labels[r.IntN(1000)]},
			Fields: map[string]filter.Value{
				"id": filter.NumberOf(float64(i)), "half": filter.BoolOf(r.IntN(2) == 0), "kind": filter.StringOf(labels[r.IntN(10)]),
				"size": filter.NumberOf(float64(r.IntN(10_000))),
			},
			Rows: []segment.Row{{Tokens: []segment.Token{{Form: labels[i%1000], Term: labels[i%1000]}}}},
		}
	}
	seg, err := segment.Build(docs, nil)
	if err != nil {
		panic(err)
	}
	return newPart(seg)
})

func label(i int) string { return fmt.Sprintf("group:%03d", i) }

// BenchmarkAllowed evaluates scope and filter anew for each search, as the first
// search does that brings them.
func BenchmarkAllowed(b *testing.B) {
	everything := Scope{All: true}
	groups := func(n int) (s Scope) {
		for i := range n {
			s.Labels = append(s.Labels, label(i*7%1000))
		}
		return s
	}
	number := filter.NumberOf
	docs := float64(*benchDocs)
	for _, test := range []struct {
		name   string
		scope  Scope
		filter filter.Filter
	}{
		{"equal to what half have", everything, filter.Test(filter.Eq, "half", filter.BoolOf(true))},
		{"not equal to what half have", everything, filter.Test(filter.Ne, "half", filter.BoolOf(true))},
		{"range that 10 % pass", everything, filter.Test(filter.Lt, "size", number(1000))},
		{"range that 90 % pass", everything, filter.Test(filter.Lt, "size", number(9000))},
		{"range of distinct values, 50 %", everything, filter.Test(filter.Lt, "id", number(docs/2))},
		{"three documents", everything, filter.Test(filter.In, "id", number(1), number(docs/2), number(docs-1))},
		{"10 of 1000 labels", groups(10), filter.Filter{}},
		{"300 of 1000 labels", groups(300), filter.Filter{}},
		{"300 labels, half and range", groups(300), filter.All(filter.Test(filter.Eq, "half", filter.BoolOf(true)), filter.Test(filter.Lt, "size", number(1000)))},
	} {
		b.Run(test.name, func(b *testing.B) {
			p := attributed()
			b.ResetTimer()
			began := cpuTime()
			defer func() { b.ReportMetric(float64(cpuTime()-began)/float64(b.N)/1e6, "cpu-ms/op") }()
			for b.Loop() {
				p.sets = setCache{}
				if s := p.allowed("", test.scope, test.filter); s.count == 0 {
					b.Fatal("nothing passes")
				}
			}
		})
	}
}

// BenchmarkAttributes counts and orders under an allowed set that is known.
func BenchmarkAttributes(b *testing.B) {
	v := &view{parts: []*part{attributed()}}
	for _, test := range []struct {
		name  string
		query Query
	}{
		{"facet of 10 values", Query{Facets: []Facet{{Field: "kind", Limit: 10}}}},
		{"facet of 10,000 values", Query{Facets: []Facet{{Field: "size", Limit: 10}}}},
		{"facet of distinct values", Query{Facets: []Facet{{Field: "id", Limit: 10}}}},
		{"order by 10,000 values", Query{Sort: []SortKey{{Field: "size", Descending: true}}, Limit: 100}},
		{"order by 10 values, then distinct ones", Query{Sort: []SortKey{{Field: "kind"}, {Field: "id", Descending: true}}, Limit: 100}},
	} {
		b.Run(test.name, func(b *testing.B) {
			s := search{view: v, query: test.query, engine: &Engine{options: Options{KnownField: known}}}
			s.query.Scope = Scope{All: true}
			s.allow()
			if len(test.query.Sort) > 0 {
				s.sorted() // ranks the columns
			}
			b.ResetTimer()
			began := cpuTime()
			defer func() { b.ReportMetric(float64(cpuTime()-began)/float64(b.N)/1e6, "cpu-ms/op") }()
			for b.Loop() {
				var out Result
				s.count(&out)
				if len(test.query.Sort) > 0 {
					out.Candidates = s.sorted()
				}
			}
		})
	}
}
