package segment

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// distance is the optimal string alignment distance, from its definition.
func distance(a, b []rune) int {
	switch {
	case len(a) == 0 || len(b) == 0:
		return len(a) + len(b)
	case a[0] == b[0]:
		return distance(a[1:], b[1:])
	}
	d := 1 + min(distance(a[1:], b), distance(a, b[1:]), distance(a[1:], b[1:]))
	if len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] {
		d = min(d, 1+distance(a[2:], b[2:]))
	}
	return d
}

// TestFormsNear compares the walk over the dictionary with the distance to
// each form.
func TestFormsNear(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.StringOfN(rapid.SampledFrom([]rune("abcé信")), 1, 6, -1)
		forms := rapid.SliceOfN(text, 1, 60).Draw(r, "forms")
		var row Row
		for i, f := range forms {
			row.Tokens = append(row.Tokens, Token{Form: f, Term: fmt.Sprint("t", i%3), Field: Body})
		}
		seg, err := Build([]Document{{ID: "a", Rows: []Row{row}}}, nil)
		if err != nil {
			r.Fatal(err)
		}
		word, edits := text.Draw(r, "word"), rapid.IntRange(1, 2).Draw(r, "edits")
		slices.Sort(forms)
		want := slices.DeleteFunc(slices.Compact(forms), func(f string) bool { return distance([]rune(f), []rune(word)) > edits })
		var got []string
		seg.FormsNear(word, edits, func(form int) { got = append(got, seg.forms.get(form)) })
		if diff := cmp.Diff(want, slices.Compact(got)); diff != "" && len(want)+len(got) > 0 {
			r.Fatalf("%s", diff)
		}
	})
}

// TestPhrases compares the search for a phrase with a look at every row, for
// phrases with few and with many spellings in terms.
func TestPhrases(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		word := rapid.SampledFrom(strings.Fields("a b c d e"))
		spellings := rapid.IntRange(1, 4).Draw(r, "spellings")
		docs := []Document{{ID: "a"}}
		for i := range rapid.IntRange(1, 8).Draw(r, "rows") {
			row := Row{Ordinal: i}
			for field := range textFields {
				for range rapid.IntRange(0, 12).Draw(r, "words") {
					row.Tokens = append(row.Tokens, Token{Form: word.Draw(r, "word"), Term: fmt.Sprint(rapid.IntRange(1, spellings).Draw(r, "term")), Field: field})
				}
			}
			docs[0].Rows = append(docs[0].Rows, row)
		}
		seg, err := Build(docs, nil)
		if err != nil {
			r.Fatal(err)
		}
		phrase := rapid.SliceOfN(word, 1, 4).Draw(r, "phrase")
		rows := AllBits(seg.Rows())
		seg.KeepPhrase(phrase, rows)
		for i, row := range docs[0].Rows {
			fields := [textFields]string{}
			for _, token := range row.Tokens {
				fields[token.Field] += token.Form
			}
			want := slices.ContainsFunc(fields[:], func(f string) bool { return strings.Contains(f, strings.Join(phrase, "")) })
			if rows.Get(uint32(i)) != want {
				r.Fatalf("row %d of %v: %v, want %v", i, fields, !want, want)
			}
		}
	})
}
