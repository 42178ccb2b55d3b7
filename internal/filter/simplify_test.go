package filter

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	_ "github.com/quarry-search/quarry/internal/rapidseed"
)

var someValues = []Value{
	StringOf("a"), StringOf("ab"), StringOf(""), NumberOf(0), NumberOf(1), NumberOf(-2.5),
	BoolOf(true), BoolOf(false), TimeOf(time.Unix(0, 0)), TimeOf(time.Unix(1e9, 5)),
}

func genFilter(depth int) *rapid.Generator[Filter] {
	return rapid.Custom(func(t *rapid.T) Filter {
		key := rapid.SampledFrom([]string{"k", "l", "m"}).Draw(t, "key")
		value := rapid.SampledFrom(someValues)
		ops := []Op{"", Eq, Ne, Gt, Gte, Lt, Lte, In, Nin, Exists, Prefix, And, Or, Not}
		if depth == 0 {
			ops = ops[:11]
		}
		switch op := rapid.SampledFrom(ops).Draw(t, "op"); op {
		case "":
			return Filter{}
		case And, Or:
			return Filter{Op: op, Filters: rapid.SliceOfN(genFilter(depth-1), 0, 4).Draw(t, "filters")}
		case Not:
			return Negate(genFilter(depth-1).Draw(t, "filter"))
		case In, Nin:
			return Test(op, key, rapid.SliceOfN(value, 0, 4).Draw(t, "values")...)
		case Exists:
			return Test(op, key, BoolOf(rapid.Bool().Draw(t, "bool")))
		case Prefix:
			return Test(op, key, rapid.SampledFrom(someValues[:3]).Draw(t, "prefix"))
		case Eq, Ne:
			return Test(op, key, value.Draw(t, "value"))
		default:
			return Test(op, key, value.Filter(func(v Value) bool { return v.Kind() != Bool }).Draw(t, "value"))
		}
	})
}

func size(f Filter) int {
	n := 1 + len(f.Values)
	for _, g := range f.Filters {
		n += size(g)
	}
	return n
}

func TestSimplifyKeepsMeaning(t *testing.T) {
	attribute := rapid.OneOf(
		rapid.SampledFrom(someValues),
		rapid.Just(ListOf("a", "b")), rapid.Just(ListOf()), rapid.Just(ListOf("abc")))
	rapid.Check(t, func(t *rapid.T) {
		f := genFilter(4).Draw(t, "filter")
		if err := f.Validate(); err != nil {
			t.Fatal(err)
		}
		before := f.String()
		s := f.Simplify()
		if f.String() != before {
			t.Fatalf("simplifying changed the filter from %s to %s", before, f)
		}
		if err := s.Validate(); err != nil {
			t.Fatalf("%s became %s, which is invalid: %v", f, s, err)
		}
		if size(s) > size(f) {
			t.Fatalf("%s grew to %s", f, s)
		}
		if again := s.Simplify(); !again.Equal(s) {
			t.Fatalf("%s simplifies to %s and that to %s", f, s, again)
		}
		attributes := rapid.MapOf(rapid.SampledFrom([]string{"k", "l", "m"}), attribute).Draw(t, "attributes")
		get := func(key string) (Value, bool) { v, ok := attributes[key]; return v, ok }
		if f.Match(get) != s.Match(get) {
			t.Fatalf("%s and %s differ on %v", f, s, attributes)
		}
	})
}

func TestSimplify(t *testing.T) {
	a, b := Test(Eq, "k", StringOf("a")), Test(Eq, "k", StringOf("b"))
	gt := Test(Gt, "l", NumberOf(1))
	for name, tt := range map[string]struct{ in, want Filter }{
		"and of nothing":      {All(), Filter{}},
		"or of nothing":       {Any(), Nothing()},
		"and with everything": {All(Filter{}, gt), gt},
		"or with everything":  {Any(Filter{}, gt), Filter{}},
		"and with nothing":    {All(gt, Any()), Nothing()},
		"nested":              {All(All(a, All(gt)), gt), All(a, gt)},
		"equalities":          {Any(a, gt, b, a), Any(Test(In, "k", StringOf("a"), StringOf("b")), gt)},
		"double negation":     {Negate(Negate(gt)), gt},
		"negated test":        {Negate(a), Test(Ne, "k", StringOf("a"))},
		"negated in":          {Negate(Test(In, "k", StringOf("a"), StringOf("b"))), Test(Nin, "k", StringOf("a"), StringOf("b"))},
		"negated not in":      {Negate(Test(Nin, "k", StringOf("a"), StringOf("b"))), Test(In, "k", StringOf("a"), StringOf("b"))},
		"negated order":       {Negate(gt), Negate(gt)},
		"negated exists":      {Negate(Test(Exists, "k", BoolOf(true))), Test(Exists, "k", BoolOf(false))},
		"in none":             {Test(In, "k"), Nothing()},
		"not in none":         {Test(Nin, "k"), Filter{}},
		"in one":              {Test(In, "k", StringOf("a"), StringOf("a")), a},
		"kinds stay apart": {
			All(Test(Eq, "k", TimeOf(time.Unix(0, 0))), Test(Eq, "k", StringOf("1970-01-01T00:00:00Z"))),
			All(Test(Eq, "k", TimeOf(time.Unix(0, 0))), Test(Eq, "k", StringOf("1970-01-01T00:00:00Z")))},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.in.Simplify()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPrintRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := genFilter(3).Filter(func(f Filter) bool { return !hasEmptyGroup(f) && !hasEmptyList(f) }).Draw(t, "filter")
		got, err := Parse([]byte(f.String()))
		if err != nil {
			t.Fatal(err)
		}
		if !got.Equal(f) {
			t.Fatalf("%s came back as %s", f, got)
		}
	})
}

func hasEmptyList(f Filter) bool {
	if (f.Op == And || f.Op == Or) && len(f.Filters) == 0 {
		return true
	}
	for _, g := range f.Filters {
		if hasEmptyList(g) {
			return true
		}
	}
	return false
}

func TestValidateRefusesBuiltFilters(t *testing.T) {
	for name, f := range map[string]Filter{
		"unknown operator":   Test("near", "k", NumberOf(1)),
		"no values":          Test(Eq, "k"),
		"two values":         Test(Eq, "k", NumberOf(1), NumberOf(2)),
		"no value":           Test(Eq, "k", Value{}),
		"list value":         Test(Eq, "k", ListOf("a")),
		"no key":             Test(Eq, "", NumberOf(1)),
		"group with key":     {Op: And, Key: "k"},
		"test with filters":  {Op: Eq, Key: "k", Values: []Value{NumberOf(1)}, Filters: []Filter{{}}},
		"not of none":        {Op: Not},
		"zero with children": {Filters: []Filter{{}}},
	} {
		if f.Validate() == nil {
			t.Errorf("%s: %s passes", name, f)
		}
	}
}
