package eval

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/internal/rag"
)

var update = flag.Bool("update", false, "rewrite golden files")

// stones is a set with one of each fault.
func stones(t *testing.T) string {
	return write(t, map[string]string{
		"corpus.jsonl": `{"_id":"g 1","title":"Granite","text":"granite granite is hard","metadata":{"kind":"x","place":"north","n":3,"tags":["a"],"deep":{"no":1},"nil":null}}
{"_id":"s","title":"Slate","text":"slate splits","metadata":{"place":"south"}}
not json
{"_id":"m","title":"Marble","text":"marble and granite","metadata":{"place":"south"}}
{"_id":"s","title":"again","text":"slate"}
{"title":"nameless","text":"slate"}

{"_id":"e","title":"","text":"unreadable"}
`,
		"queries.jsonl": `{"_id":"q1","text":"granite","metadata":{"place":"south","answers":["is  HARD"]}}
{"_id":"q2","text":"slate","metadata":{"place":"south","answers":["splits"]}}
{"_id":"q3","text":"nobody judged this"}
`,
		"queries_unanswerable.jsonl": `{"_id":"u","text":"basalt"}` + "\n",
		"qrels.tsv":                  "query-id\tcorpus-id\tscore\nq1\tm\t1\nq2\ts\t2\nq2\tg 1\t0\nq1 m 1\nq1\tm\thigh\n",
	})
}

func TestRunMeasures(t *testing.T) {
	s := &shelf{refuse: "e"}
	run := filepath.Join(t.TempDir(), "out.run")
	got, err := Run(t.Context(), Options{Sets: []string{stones(t)}, Run: run}, s.deps())
	if err != nil {
		t.Fatal(err)
	}
	set := got.Sets[0]
	wantCorpus := CorpusReport{Entries: 4, Indexed: 3, Refused: map[string]int{"skipped: no_text": 1}}
	if d := cmp.Diff(wantCorpus, set.Corpus); d != "" {
		t.Errorf("corpus (-want +got):\n%s", d)
	}
	if set.Questions != 2 || len(set.Modes) != 3 || s.waited != 3 {
		t.Fatalf("%+v, waited for %d", set, s.waited)
	}
	for _, m := range set.Modes { // q1 finds its document second, q2 first
		if !near(m.MRR, 0.75) || m.Recall10 != 1 || !near(m.NDCG10.Mean, (1/1.5849625007211562+1)/2) {
			t.Errorf("%+v", m)
		}
	}
	if len(set.Gains) != 2 || set.Gains[0].Difference.Mean != 0 {
		t.Errorf("gains %+v", set.Gains)
	}
	var lines []string
	for _, m := range set.Malformed {
		lines = append(lines, m.String())
	}
	want := []string{
		`qrels.tsv:5: 1 fields instead of 3, divided by tabs`,
		`qrels.tsv:6: the score is not a whole number`,
		`corpus.jsonl:3: not a JSON object with _id, title, text and metadata`,
		`corpus.jsonl:5: _id "s" stands on an earlier line`,
		`corpus.jsonl:6: no _id`,
	}
	if d := cmp.Diff(want, lines); d != "" {
		t.Errorf("malformed (-want +got):\n%s", d)
	}
	wantRun := "q1 Q0 g%201 1 2.000000 quarry-hybrid\nq1 Q0 m 2 1.000000 quarry-hybrid\nq2 Q0 s 1 1.000000 quarry-hybrid\n"
	checkFile(t, run, wantRun)
	checkFile(t, strings.Replace(run, ".run", ".dense.run", 1), strings.ReplaceAll(wantRun, "hybrid", "dense"))
}

func checkFile(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Errorf("%s (-want +got):\n%s", filepath.Base(path), d)
	}
}

func TestRunAttributes(t *testing.T) {
	s := &shelf{}
	if _, err := Run(t.Context(), Options{Sets: []string{stones(t)}}, s.deps()); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for k, v := range s.docs[1].Attributes {
		got[k] = v.String()
	}
	want := map[string]string{"place": `"north"`, "n": "3", "tags": `["a"]`}
	if d := cmp.Diff(want, got); d != "" || s.docs[1].URI != "g 1" || s.docs[1].Title != "Granite" {
		t.Errorf("%s: %s", s.docs[1].URI, d)
	}
}

func TestRunFilters(t *testing.T) {
	s := &shelf{}
	got, err := Run(t.Context(), Options{Sets: []string{stones(t)}, FilterBy: "place"}, s.deps())
	if err != nil {
		t.Fatal(err)
	}
	if m := got.Sets[0].Modes[0]; m.MRR != 1 { // the north's granite is out of the way
		t.Errorf("MRR %v", m.MRR)
	}
}

// A document that a hit stands for keeps its place behind it.
func TestRunCountsDuplicates(t *testing.T) {
	s := &shelf{hide: "m"}
	got, err := Run(t.Context(), Options{Sets: []string{stones(t)}}, s.deps())
	if err != nil {
		t.Fatal(err)
	}
	if m := got.Sets[0].Modes[0]; !near(m.MRR, 0.75) {
		t.Errorf("MRR %v", m.MRR)
	}
}

func TestRunRefuses(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"no judgements": {"queries.jsonl": "", "corpus.jsonl": ""},
		"no question":   {"queries.jsonl": `{"_id":"a"}`, "corpus.jsonl": "", "qrels.tsv": ""},
	} {
		if _, err := Run(t.Context(), Options{Sets: []string{write(t, files)}}, (&shelf{}).deps()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func answer(confidence float64, quotes ...string) rag.Answer {
	a := rag.Answer{Confidence: confidence, Result: rag.Abstained}
	for _, q := range quotes {
		a.Result = rag.Answered
		a.Citations = append(a.Citations, rag.Citation{Quote: q})
	}
	return a
}

func TestRunAnswersAndPrints(t *testing.T) {
	s := &shelf{quote: map[string]rag.Answer{
		"granite": answer(0.9, "Rock.", "It is\nhard."),
		"slate":   answer(0.7, "Slate splits."),
		"basalt":  answer(0.8, "Basalt is dark."),
	}}
	off := write(t, map[string]string{"queries.jsonl": `{"_id":"o","text":"weather"}` + "\n"})
	got, err := Run(t.Context(), Options{Sets: []string{stones(t)}, Answers: true, OffTopic: off}, s.deps())
	if err != nil {
		t.Fatal(err)
	}
	set := &got.Sets[0]
	a := set.Answers
	if a.Questions != 2 || a.Best.Mean != 0.5 || a.Any.Mean != 1 || a.Answered != 1 || a.BestOfAnswered != 0.5 {
		t.Errorf("%+v", a)
	}
	want := []Separation{{"unanswerable", 1, 0.5, 0}, {"off topic", 1, 1, 1}}
	if d := cmp.Diff(want, a.Against); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for i := range set.Modes {
		set.Modes[i].P50MS, set.Modes[i].P99MS = 1.5, 2.5
	}
	set.IngestSeconds, a.P50MS, a.P99MS = 3, 10, 20
	var table bytes.Buffer
	if err := got.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.txt", table.Bytes())
	encoded, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "report.json", append(encoded, '\n'))
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got); rewrite with -update:\n%s", name, d)
	}
}

func TestSampleSpreads(t *testing.T) {
	entries := make([]Entry, 10)
	for i := range entries {
		entries[i].ID = string(rune('0' + i))
	}
	ids := ""
	for _, e := range sample(entries, 4) {
		ids += e.ID
	}
	if ids != "0257" || len(sample(entries, 0)) != 10 || len(sample(entries, 99)) != 10 {
		t.Errorf("sample %s", ids)
	}
}
