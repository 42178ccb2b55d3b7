package filter

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseSpellings(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name string
		in   string
		want Filter
	}{
		{"nothing", ``, Filter{}},
		{"null", `null`, Filter{}},
		{"empty object", ` {} `, Filter{}},
		{"native eq", `{"type":"eq","key":"kind","value":"pdf"}`, Test(Eq, "kind", StringOf("pdf"))},
		{"native time", `{"type":"gte","key":"modified_at","value":"2026-03-01T13:00:00+01:00"}`, Test(Gte, "modified_at", TimeOf(noon))},
		{"native prefix keeps a string", `{"type":"prefix","key":"at","value":"2026-03-01T13:00:00Z"}`, Test(Prefix, "at", StringOf("2026-03-01T13:00:00Z"))},
		{"native in", `{"type":"in","key":"year","value":[2024,"x",true]}`, Test(In, "year", NumberOf(2024), StringOf("x"), BoolOf(true))},
		{"native empty in", `{"type":"in","key":"year","value":[]}`, Test(In, "year")},
		{"native exists alone", `{"type":"exists","key":"year"}`, Test(Exists, "year", BoolOf(true))},
		{"native tree", `{"type":"and","filters":[{"type":"not","filters":[{"type":"exists","key":"a","value":false}]},{"type":"or","filters":[{"type":"lt","key":"b","value":-1.5}]}]}`,
			All(Negate(Test(Exists, "a", BoolOf(false))), Any(Test(Lt, "b", NumberOf(-1.5))))},
		{"qdrant", `{"must":[{"key":"kind","match":{"value":"pdf"}}],"should":[{"key":"a","match":{"any":[1,2]}},{"key":"b","match":{"except":["x"]}}],"must_not":[{"key":"c","range":{"gt":1,"lte":3}}]}`,
			All(
				Test(Eq, "kind", StringOf("pdf")),
				Any(Test(In, "a", NumberOf(1), NumberOf(2)), Test(Nin, "b", StringOf("x"))),
				Negate(Any(All(Test(Gt, "c", NumberOf(1)), Test(Lte, "c", NumberOf(3))))))},
		{"qdrant empty lists", `{"must":[],"should":[],"must_not":[]}`, Filter{}},
		{"qdrant one condition", `{"key":"a","range":{"lt":2}}`, Test(Lt, "a", NumberOf(2))},
		{"qdrant nested", `{"must":{"should":[{"key":"a","match":{"value":true}}]}}`, All(All(Any(Test(Eq, "a", BoolOf(true)))))},
		{"mongo value", `{"kind":"pdf"}`, Test(Eq, "kind", StringOf("pdf"))},
		{"mongo joined", `{"kind":"pdf","year":{"$gte":2020,"$lt":2025}}`,
			All(Test(Eq, "kind", StringOf("pdf")), All(Test(Gte, "year", NumberOf(2020)), Test(Lt, "year", NumberOf(2025))))},
		{"mongo operators", `{"$and":[{"a":{"$eq":1}},{"b":{"$ne":2}},{"$or":[{"c":{"$in":["x"]}},{"d":{"$nin":["y"]}}]},{"e":{"$gt":1}},{"f":{"$lte":2}},{"g":{"$exists":false}}]}`,
			All(Test(Eq, "a", NumberOf(1)), Test(Ne, "b", NumberOf(2)),
				Any(Test(In, "c", StringOf("x")), Test(Nin, "d", StringOf("y"))),
				Test(Gt, "e", NumberOf(1)), Test(Lte, "f", NumberOf(2)), Test(Exists, "g", BoolOf(false)))},
		{"mongo not", `{"a":{"$not":{"$gt":5}},"$not":{"b":1}}`, All(Negate(Test(Gt, "a", NumberOf(5))), Negate(Test(Eq, "b", NumberOf(1))))},
		{"mongo attribute called type", `{"type":{"$eq":"pdf"}}`, Test(Eq, "type", StringOf("pdf"))},
		{"mongo attribute called must", `{"must":{"$eq":"x"}}`, Test(Eq, "must", StringOf("x"))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse([]byte(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	long := strings.Repeat("x", MaxString+1)
	tests := []struct{ name, in, pointer, message string }{
		{"not JSON", `{"type":`, "/type", "not valid JSON"},
		{"cut off", `{"a":1`, "", "not valid JSON"},
		{"trailing", `{"a":1} {}`, "", "more after"},
		{"a list", `[]`, "", "JSON object"},
		{"unknown type", `{"type":"regex","key":"a","value":"x"}`, "/type", "unknown type"},
		{"unknown inner type", `{"type":"and","filters":[{"type":"eq","key":"a","value":1},{"type":"near","key":"a"}]}`, "/filters/1/type", "unknown type"},
		{"extra member", `{"type":"eq","key":"a","value":1,"boost":2}`, "/boost", "unknown member"},
		{"group with key", `{"type":"and","key":"a","filters":[]}`, "/key", "unknown member"},
		{"no filters", `{"type":"and"}`, "", `"filters" is missing`},
		{"empty and", `{"type":"and","filters":[]}`, "/filters", "at least one"},
		{"not of two", `{"type":"not","filters":[{"type":"exists","key":"a"},{"type":"exists","key":"b"}]}`, "/filters", "exactly one"},
		{"no key", `{"type":"eq","value":1}`, "", `"key" is missing`},
		{"no value", `{"type":"eq","key":"a"}`, "", `"value" is missing`},
		{"null value", `{"type":"eq","key":"a","value":null}`, "/value", "null"},
		{"list for eq", `{"type":"eq","key":"a","value":["x"]}`, "/value", "must be a string"},
		{"scalar for in", `{"type":"in","key":"a","value":"x"}`, "/value", "takes a list"},
		{"list in a list", `{"type":"in","key":"a","value":["x",["y"]]}`, "/value/1", "must be a string"},
		{"number for prefix", `{"type":"prefix","key":"a","value":1}`, "/value", "prefix takes a string"},
		{"string for exists", `{"type":"exists","key":"a","value":"yes"}`, "/value", "true or false"},
		{"boolean order", `{"type":"gt","key":"a","value":true}`, "/value", "gt takes"},
		{"bad key", `{"type":"eq","key":"a b","value":1}`, "/key", "a key starts"},
		{"long string", `{"type":"eq","key":"a","value":"` + long + `"}`, "/value", "longer than"},
		{"number out of range", `{"type":"eq","key":"a","value":1e999}`, "/value", "out of range"},
		{"twice", `{"type":"eq","key":"a","key":"b","value":1}`, "/key", "given twice"},
		{"mongo spelling inside native", `{"type":"and","filters":[{"a":1}]}`, "/filters/0", `"type" is missing`},
		{"qdrant unknown member", `{"must":[],"min_should":[]}`, "/min_should", "unknown member"},
		{"qdrant unknown match", `{"must":[{"key":"a","match":{"text":"x"}}]}`, "/must/0/match/text", "unknown operator"},
		{"qdrant two matches", `{"must":[{"key":"a","match":{"value":1,"any":[2]}}]}`, "/must/0/match", "must be an object of"},
		{"qdrant match and range", `{"key":"a","match":{"value":1},"range":{"gt":2}}`, "", "either"},
		{"qdrant no test", `{"must":[{"key":"a"}]}`, "/must/0", "either"},
		{"qdrant empty condition", `{"must":[{}]}`, "/must/0", "empty condition"},
		{"qdrant empty range", `{"must":[{"key":"a","range":{}}]}`, "/must/0/range", "must be an object of"},
		{"qdrant has_id", `{"must":[{"has_id":[1]}]}`, "/must/0/has_id", "unknown member"},
		{"mongo unknown group", `{"$nor":[{"a":1}]}`, "/$nor", "unknown operator"},
		{"mongo unknown test", `{"a":{"$regex":"x"}}`, "/a/$regex", "unknown operator"},
		{"mongo nested attribute", `{"a":{"b":1}}`, "/a/b", "unknown operator"},
		{"mongo null", `{"a":null}`, "/a", "null"},
		{"mongo bare list", `{"a":["x"]}`, "/a", "must be a string"},
		{"mongo empty test", `{"a":{}}`, "/a", "must be a value"},
		{"mongo not a value", `{"a":{"$not":5}}`, "/a/$not", "must be an object"},
		{"escaped pointer", `{"a/b~c":1}`, "/a~1b~0c", "a key starts"},
		{"too deep", strings.Repeat(`{"type":"not","filters":[`, MaxDepth) + `{"type":"exists","key":"a"}` + strings.Repeat(`]}`, MaxDepth), "", "deeper"},
		{"far too deep", strings.Repeat(`{"$not":`, 4*MaxDepth+2) + `{"a":1}` + strings.Repeat(`}`, 4*MaxDepth+2), strings.Repeat("/$not", 4*MaxDepth+1), "deeper"},
		{"too many clauses", `{"$or":[{"a":1}` + strings.Repeat(`,{"a":1}`, MaxClauses-1) + `]}`, "", "more than"},
		{"too many values", `{"a":{"$in":[1` + strings.Repeat(`,1`, MaxValues) + `]}}`, "/a/$in", "more than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse([]byte(tt.in))
			var bad *Error
			if !errors.As(err, &bad) {
				t.Fatalf("got %v and error %v, want an *Error", got, err)
			}
			if bad.Pointer != tt.pointer || !strings.Contains(bad.Message, tt.message) {
				t.Errorf("got %q: %q, want %q: …%s…", bad.Pointer, bad.Message, tt.pointer, tt.message)
			}
		})
	}
}

func TestParseAtTheLimits(t *testing.T) {
	for name, in := range map[string]string{
		"depth":   strings.Repeat(`{"type":"not","filters":[`, MaxDepth-1) + `{"type":"exists","key":"a"}` + strings.Repeat(`]}`, MaxDepth-1),
		"clauses": `{"$or":[{"a":1}` + strings.Repeat(`,{"a":1}`, MaxClauses-2) + `]}`,
		"values":  `{"a":{"$in":[1` + strings.Repeat(`,1`, MaxValues-1) + `]}}`,
	} {
		if _, err := Parse([]byte(in)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzParse: no input panics, and what is accepted is valid and prints as
// something that parses into the same tree.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`{"type":"and","filters":[{"type":"eq","key":"a","value":"x"}]}`,
		`{"must":[{"key":"a","range":{"gte":1}}],"should":[]}`,
		`{"a":{"$not":{"$in":[1,"2026-03-01T13:00:00Z"]}},"$or":[{"b":true}]}`,
		`{"type":"prefix","key":"a","value":"2026-03-01T13:00:00.5+02:00"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := Parse(in)
		if err != nil {
			var bad *Error
			if !errors.As(err, &bad) || bad.Message == "" {
				t.Fatalf("error %v is not an *Error with a message", err)
			}
			return
		}
		if err := got.Validate(); err != nil {
			t.Fatalf("accepted %s, which is invalid: %v", in, err)
		}
		again, err := Parse([]byte(got.String()))
		if err != nil && len(got.Filters)+len(got.Values) > 0 && !hasEmptyGroup(got) {
			t.Fatalf("%s prints as %s: %v", in, got, err)
		}
		if err == nil && !got.Equal(again) {
			t.Fatalf("%s prints as %s, which parses as %s", in, got, again)
		}
		got.Match(func(string) (Value, bool) { return StringOf("x"), true })
		got.Simplify()
	})
}

// hasEmptyGroup reports a part that Qdrant's spelling may leave empty and the
// native one may not.
func hasEmptyGroup(f Filter) bool {
	if f.IsZero() {
		return true
	}
	for _, g := range f.Filters {
		if hasEmptyGroup(g) {
			return true
		}
	}
	return false
}
