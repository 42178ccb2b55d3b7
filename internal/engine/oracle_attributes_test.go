package engine

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/quarry-search/quarry/internal/filter"
)

// unheardOf is a field that no document has.
const unheardOf = "unheard_of"

// drawAttributes makes a query ask for facets, an order or groups now and then.
func (w *world) drawAttributes(q *Query) {
	fields := []string{"n", "tag", "mixed", unheardOf}
	field := func() string { return fields[w.r.IntN(len(fields))] }
	for range w.r.IntN(3) {
		q.Facets = append(q.Facets, Facet{Field: field(), Limit: w.r.IntN(4)})
	}
	if w.r.IntN(3) == 0 {
		for range 1 + w.r.IntN(2) {
			q.Sort = append(q.Sort, SortKey{Field: field(), Descending: w.r.IntN(2) == 0})
		}
	}
	q.GroupSize = max(0, w.r.IntN(5)-2)
}

// value draws a value of any kind, from few.
func (w *world) value() filter.Value {
	switch w.r.IntN(5) {
	case 0:
		return filter.NumberOf(float64(w.r.IntN(4)) - 1.5)
	case 1:
		return filter.BoolOf(w.r.IntN(2) == 0)
	case 2:
		return filter.TimeOf(time.Unix(int64(w.r.IntN(3))-1, 500))
	case 3:
		return filter.ListOf([][]string{{}, {"b", "a", "b"}, {"c"}, {"a", "d"}}[w.r.IntN(4)]...)
	}
	return filter.StringOf([]string{"", "a", "b"}[w.r.IntN(3)])
}

// result is the answer to a query that lets rows pass.
func (o *oracle) result(q Query, rows []*oracleRow) Result {
	if len(q.Sort) > 0 && q.Text != "" && !q.SkipLexical {
		rows = slices.DeleteFunc(rows, func(r *oracleRow) bool { return r.lexical == 0 })
	}
	docs := map[*oracleDoc]bool{}
	for _, r := range rows {
		docs[r.doc] = true
	}
	out := Result{Allowed: len(rows), Documents: len(docs)}
	for _, f := range q.Facets {
		o.note(q, f.Field, &out)
		out.Facets = append(out.Facets, countFacet(f, docs))
	}
	for _, key := range q.Sort {
		o.note(q, key.Field, &out)
	}
	if len(q.Sort) > 0 {
		out.Candidates = sortRows(q, rows)
	} else {
		out.Candidates = o.candidates(q, rows)
	}
	return out
}

func (o *oracle) note(q Query, field string, out *Result) {
	for _, d := range o.collections[q.Collection] {
		if _, ok := d.Fields[field]; ok && q.sees(d) {
			return
		}
	}
	if !known(field) && !slices.Contains(out.Unknown, field) {
		out.Unknown = append(out.Unknown, field)
	}
}

// elements are the values that a document has under a key.
func (d *oracleDoc) elements(key string) []filter.Value {
	v, ok := d.Fields[key]
	if !ok {
		return nil
	}
	if v.Kind() != filter.List {
		return []filter.Value{v}
	}
	var list []filter.Value
	for _, s := range v.List() {
		list = append(list, filter.StringOf(s))
	}
	slices.SortFunc(list, filter.Order)
	return slices.CompactFunc(list, filter.Value.Equal)
}

func countFacet(f Facet, docs map[*oracleDoc]bool) FacetCounts {
	out := FacetCounts{Field: f.Field}
	counts := map[string]*ValueCount{}
	for d := range docs {
		if _, ok := d.Fields[f.Field]; !ok {
			out.Missing++
		}
		for _, v := range d.elements(f.Field) {
			key := v.Kind().String() + v.String()
			if counts[key] == nil {
				counts[key] = &ValueCount{Value: v}
			}
			counts[key].Docs++
		}
	}
	out.Distinct = len(counts)
	for c := range maps.Values(counts) {
		out.Values = append(out.Values, *c)
	}
	slices.SortFunc(out.Values, func(a, b ValueCount) int {
		return cmp.Or(cmp.Compare(b.Docs, a.Docs), filter.Order(a.Value, b.Value))
	})
	if f.Limit > 0 {
		out.Values = out.Values[:min(f.Limit, len(out.Values))]
	}
	return out
}

// sortRows orders rows by attributes; they come in the order of their keys.
func sortRows(q Query, rows []*oracleRow) []Candidate {
	value := func(r *oracleRow, key SortKey) (v filter.Value) {
		if all := r.doc.elements(key.Field); len(all) > 0 {
			v = all[0]
			if key.Descending {
				v = all[len(all)-1]
			}
		}
		return v
	}
	slices.SortStableFunc(rows, func(a, b *oracleRow) int {
		for _, key := range q.Sort {
			x, y := value(a, key), value(b, key)
			missing := cmp.Compare(b2i(x.Kind() == filter.None), b2i(y.Kind() == filter.None))
			order := filter.Order(x, y)
			if key.Descending {
				order = -order
			}
			if c := cmp.Or(missing, order); c != 0 {
				return c
			}
		}
		return 0
	})
	var list []Candidate
	for _, r := range q.firstOfEach(rows) {
		c := Candidate{DocID: r.doc.ID, Version: r.doc.Version, Ordinal: r.row.Ordinal, Hash: r.row.Hash}
		for _, key := range q.Sort {
			c.SortValues = append(c.SortValues, value(r, key))
		}
		list = append(list, c)
	}
	return list[:min(len(list), q.Limit)]
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// firstOfEach keeps the first GroupSize rows of each document.
func (q Query) firstOfEach(rows []*oracleRow) []*oracleRow {
	if q.GroupSize == 0 {
		return rows
	}
	seen := map[*oracleDoc]int{}
	var kept []*oracleRow
	for _, r := range rows {
		if seen[r.doc]++; seen[r.doc] <= q.GroupSize {
			kept = append(kept, r)
		}
	}
	return kept
}
