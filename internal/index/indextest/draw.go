package indextest

import (
	"time"

	"pgregory.net/rapid"

	"github.com/quarry-search/quarry/internal/filter"
)

var (
	keys    = []string{"x", "y", "z"}
	strs    = []string{"", "a", "ab", "b", "Ä"}
	epoch   = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	numbers = []float64{-1.5, 0, 1, 2, 1e9}
)

// drawScalar draws a value that is not a list, from so few that they meet.
func drawScalar(r *rapid.T) filter.Value {
	switch rapid.IntRange(0, 3).Draw(r, "kind") {
	case 0:
		return filter.StringOf(rapid.SampledFrom(strs).Draw(r, "string"))
	case 1:
		return filter.NumberOf(rapid.SampledFrom(numbers).Draw(r, "number"))
	case 2:
		return filter.BoolOf(rapid.Bool().Draw(r, "bool"))
	}
	return filter.TimeOf(epoch.AddDate(0, rapid.IntRange(-2, 2).Draw(r, "months"), 0))
}

func drawFields(r *rapid.T) map[string]filter.Value {
	fields := map[string]filter.Value{}
	for _, key := range keys {
		switch rapid.IntRange(0, 3).Draw(r, key) {
		case 0:
			fields[key] = filter.ListOf(rapid.SliceOfN(rapid.SampledFrom(strs), 0, 3).Draw(r, "list")...)
		case 1, 2:
			fields[key] = drawScalar(r)
		}
	}
	return fields
}

// drawFilter draws a valid filter, often the one that matches everything.
func drawFilter(r *rapid.T, depth int) filter.Filter {
	if depth > 0 {
		switch rapid.IntRange(0, 5).Draw(r, "node") {
		case 0:
			return filter.Filter{}
		case 1:
			return filter.All(drawFilter(r, depth-1), drawFilter(r, depth-1))
		case 2:
			return filter.Any(drawFilter(r, depth-1), drawFilter(r, depth-1))
		case 3:
			return filter.Negate(drawFilter(r, depth-1))
		}
	}
	return drawTest(r)
}

func drawTest(r *rapid.T) filter.Filter {
	key := rapid.SampledFrom(keys).Draw(r, "key")
	op := rapid.SampledFrom([]filter.Op{filter.Eq, filter.Ne, filter.Gt, filter.Gte, filter.Lt, filter.Lte, filter.In, filter.Nin, filter.Exists, filter.Prefix}).Draw(r, "op")
	switch op {
	case filter.Exists:
		return filter.Test(op, key, filter.BoolOf(rapid.Bool().Draw(r, "exists")))
	case filter.Prefix:
		return filter.Test(op, key, filter.StringOf(rapid.SampledFrom(strs).Draw(r, "prefix")))
	case filter.In, filter.Nin:
		return filter.Test(op, key, drawScalar(r), drawScalar(r))
	}
	v := drawScalar(r)
	for v.Kind() == filter.Bool && op != filter.Eq && op != filter.Ne {
		v = filter.NumberOf(1)
	}
	return filter.Test(op, key, v)
}
