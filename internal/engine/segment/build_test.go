package segment

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/quarry-search/quarry/internal/engine/bm25"
	"github.com/quarry-search/quarry/internal/filter"
)

// sample makes n documents that differ in every way a document can.
func sample(prefix string, n, dim int) []Document {
	r := rand.New(rand.NewPCG(uint64(n), uint64(dim)))
	docs := make([]Document, n)
	for i := range docs {
		d := Document{Language: bm25.Language(i % 3), ID: prefix + strconv.Itoa(i), Version: i + 1, Access: []string{"a", "user:" + strconv.Itoa(i%3)}[:r.IntN(3)]}
		d.Fields = map[string]filter.Value{"n": filter.NumberOf(float64(i)), "tags": filter.ListOf("t"+strconv.Itoa(i%5), "all")}
		for o := range r.IntN(4) {
			row := Row{Ordinal: o, Hash: Hash{byte(i), byte(o), byte(len(prefix))}}
			for field := range textFields {
				for range r.IntN(40) {
					row.Tokens = append(row.Tokens, sampleToken(int(r.ExpFloat64()*20), field))
				}
			}
			if r.IntN(4) > 0 && dim > 0 {
				row.Vector = make([]float32, dim)
				for j := range row.Vector {
					row.Vector[j] = float32(r.NormFloat64())
				}
			}
			d.Rows = append(d.Rows, row)
		}
		docs[i] = d
	}
	return docs
}

// sampleToken makes some forms share a term, and some have none.
func sampleToken(n int, field TextField) Token {
	t := Token{Form: "w" + strconv.Itoa(n), Term: "w" + strconv.Itoa(n), Field: field}
	switch n % 7 {
	case 3:
		t.Term = "w" + strconv.Itoa(n-1)
	case 5:
		t.Term = ""
	}
	return t
}

var equal = cmp.Options{cmpopts.EquateEmpty(), cmp.Comparer(func(a, b filter.Value) bool { return a.Equal(b) })}

func TestBuildGivesBackItsDocuments(t *testing.T) {
	for _, dim := range []int{0, 64, 70} {
		first, second := sample("a", 40, dim), sample("b", 30, dim)
		old := mustBuild(t, first, nil)
		live := AllBits(old.Docs())
		dead, _ := old.Find("a7")
		live.Clear(dead)
		seg := mustBuild(t, second, []Part{{old, live}})
		want := slices.DeleteFunc(slices.Concat(first, second), func(d Document) bool { return d.ID == "a7" })
		slices.SortFunc(want, func(a, b Document) int { return cmp2(a.ID, b.ID) })
		var got []Document
		for doc := range uint32(seg.Docs()) {
			got = append(got, seg.Document(doc))
		}
		if diff := cmp.Diff(want, got, equal); diff != "" {
			t.Errorf("dim %d: %s", dim, diff)
		}
	}
}

func cmp2(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

// TestMergeEqualsBuild wants the same arrays whether documents came at once or
// through older segments.
func TestMergeEqualsBuild(t *testing.T) {
	docs := sample("d", 60, 64)
	whole := mustBuild(t, docs, nil)
	a, b := mustBuild(t, docs[:25], nil), mustBuild(t, docs[25:50], nil)
	merged := mustBuild(t, docs[50:], []Part{{b, AllBits(b.Docs())}, {a, AllBits(a.Docs())}})
	if diff := cmp.Diff(whole, merged, cmp.AllowUnexported(Segment{}, table{}, column{}, Column{}), cmpopts.IgnoreFields(Column{}, "places"), cmpopts.IgnoreFields(Segment{}, "waiting", "file", "readiness"), cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

func TestPostings(t *testing.T) {
	docs := sample("d", 500, 0)
	seg := mustBuild(t, docs, nil)
	for _, term := range []string{"w0", "w1", "w30", "absent"} {
		l := seg.Postings(term)
		found := 0
		for row := range uint32(seg.Rows()) {
			n := 0
			for _, w := range seg.Document(seg.DocOf(row)).Rows[seg.OrdinalOf(row)].Tokens {
				if w.Term == term {
					n += int(weights[w.Field])
				}
			}
			if tf := int(l.TFOf(row)); tf != min(n, 255) {
				t.Fatalf("%s in row %d: tf %d, want %d", term, row, tf, n)
			}
			if n > 0 {
				found++
			}
		}
		if found != len(l.Rows) {
			t.Errorf("%s: %d postings for %d rows", term, len(l.Rows), found)
		}
		for i, row := range l.Rows {
			if l.MaxTF[i/128] < l.TF[i] || l.MinNorm[i/128] > seg.Norms()[row] {
				t.Fatalf("%s: posting %d is beyond its block's bounds", term, i)
			}
		}
	}
}

func TestBuildRefusesDuplicates(t *testing.T) {
	docs := sample("d", 3, 0)
	old := mustBuild(t, docs[:1], nil)
	if _, err := Build(docs, []Part{{old, AllBits(1)}}); !errors.Is(err, ErrDuplicate) {
		t.Errorf("error %v", err)
	}
}

func TestBitsRanges(t *testing.T) {
	for _, c := range [][2]uint32{{0, 0}, {0, 1}, {63, 65}, {5, 200}, {64, 128}, {199, 200}} {
		b := NewBits(200)
		b.SetRange(c[0], c[1])
		if got := b.AppendTo(nil); len(got) != int(c[1]-c[0]) || len(got) > 0 && (got[0] != c[0] || got[len(got)-1] != c[1]-1) {
			t.Errorf("range %v holds %v", c, got)
		}
		b.ClearRange(c[0], c[1])
		if b.Count() != 0 {
			t.Errorf("range %v was not cleared", c)
		}
	}
}
