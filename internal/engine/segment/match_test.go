package segment

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	_ "github.com/quarry-search/quarry/internal/rapidseed"

	"github.com/quarry-search/quarry/internal/filter"
)

var (
	keys   = []string{"x", "y", "z"}
	strs   = []string{"", "a", "ab", "abc", "b", "\xff", "Ä", "t"}
	floats = []float64{math.Inf(-1), -2, -1.5, math.Copysign(0, -1), 0, 1e-300, 1, 2, math.MaxFloat64, math.Inf(1), math.NaN()}
	times  = []time.Time{{}, time.Unix(0, 0), time.Unix(0, 1), time.Unix(-1, 999), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}
)

func drawValue(r *rapid.T) filter.Value {
	switch rapid.IntRange(0, 5).Draw(r, "kind") {
	case 0:
		return filter.StringOf(rapid.SampledFrom(strs).Draw(r, "string"))
	case 1:
		return filter.NumberOf(rapid.SampledFrom(floats).Draw(r, "number"))
	case 2:
		return filter.BoolOf(rapid.Bool().Draw(r, "bool"))
	case 3:
		return filter.TimeOf(rapid.SampledFrom(times).Draw(r, "time"))
	case 4:
		return filter.ListOf(rapid.SliceOfN(rapid.SampledFrom(strs), 0, 3).Draw(r, "list")...)
	}
	return filter.Value{}
}

// drawFilter draws any filter that Match accepts, valid for users or not.
func drawFilter(r *rapid.T, depth int) filter.Filter {
	ops := []filter.Op{filter.Eq, filter.Ne, filter.Gt, filter.Gte, filter.Lt, filter.Lte, filter.In, filter.Nin, filter.Exists, filter.Prefix}
	if depth > 0 {
		ops = append(ops, "", filter.And, filter.Or, filter.Not, filter.And, filter.Or, filter.Not)
	}
	op := rapid.SampledFrom(ops).Draw(r, "op")
	switch op {
	case "":
		return filter.Filter{}
	case filter.Not:
		return filter.Negate(drawFilter(r, depth-1))
	case filter.And, filter.Or:
		f := filter.Filter{Op: op}
		for range rapid.IntRange(0, 3).Draw(r, "children") {
			f.Filters = append(f.Filters, drawFilter(r, depth-1))
		}
		return f
	}
	f := filter.Test(op, rapid.SampledFrom(append(keys, "absent")).Draw(r, "key"))
	for range rapid.IntRange(1, 3).Draw(r, "values") {
		f.Values = append(f.Values, drawValue(r))
	}
	return f
}

// TestMatch holds columns to filter.Filter.Match, the reference, on segments
// built from documents and on segments merged of such.
func TestMatch(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		all := map[string]map[string]filter.Value{}
		draw := func(prefix string) []Document {
			var docs []Document
			for i := range rapid.IntRange(0, 9).Draw(r, "docs") {
				d := Document{ID: prefix + string(rune('a'+i)), Fields: map[string]filter.Value{}}
				for _, key := range keys {
					if rapid.Bool().Draw(r, "has "+key) {
						d.Fields[key] = drawValue(r)
					}
				}
				all[d.ID] = d.Fields
				docs = append(docs, d)
			}
			return docs
		}
		old := mustBuild(r, draw("old"), nil)
		seg := mustBuild(r, draw("new"), []Part{{old, AllBits(old.Docs())}})
		f := drawFilter(r, 3)
		got := seg.Match(f)
		if seg.Docs() != len(all) {
			r.Fatalf("%d documents, want %d", seg.Docs(), len(all))
		}
		for doc := range uint32(seg.Docs()) {
			fields := all[seg.DocID(doc)]
			want := f.Match(func(key string) (filter.Value, bool) { v, ok := fields[key]; return v, ok })
			if got.Get(doc) != want {
				r.Fatalf("%v on %v is %v, want %v", f, fields, got.Get(doc), want)
			}
		}
	})
}

func mustBuild(t interface{ Fatalf(string, ...any) }, docs []Document, parts []Part) *Segment {
	s, err := Build(docs, parts)
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	return s
}
