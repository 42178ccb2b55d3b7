package local_test

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/quarry-search/quarry/internal/index/local"
	"github.com/quarry-search/quarry/internal/rag"
)

var beir = flag.String("beir", "", "folder in the BEIR layout: measure the lexical leg's nDCG@10 on it")

// TestBEIR measures the lexical leg on a labelled set:
//
//	go test -run TestBEIR -v ./internal/index/local -beir DIR
func TestBEIR(t *testing.T) {
	if *beir == "" {
		t.Skip("no -beir folder given")
	}
	index := openWith(t, loadCorpus(t, *beir))
	queries := loadQueries(t, *beir)
	judged := loadJudgements(t, *beir)
	var sum float64
	n := 0
	began := time.Now()
	for id, text := range queries {
		if judged[id] == nil {
			continue
		}
		got, err := index.Search(context.Background(), rag.SystemScope("test"), rag.LegQuery{Collection: "c", Text: text, Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		sum += ndcg(got.Candidates, judged[id], 10)
		n++
	}
	took := time.Since(began)
	t.Logf("%s: nDCG@10 %.4f over %d queries, %v per query", filepath.Base(*beir), sum/float64(n), n, took/time.Duration(n))
	if stats, err := index.Stats(context.Background(), "c"); err == nil {
		t.Logf("%+v", stats)
	}
}

func ndcg(ranking []rag.Candidate, judged map[string]int, k int) float64 {
	var got, best float64
	for i, c := range ranking {
		if i < k {
			got += float64(judged[c.Key.DocumentID]) / math.Log2(float64(i)+2)
		}
	}
	grades := []int{}
	for _, g := range judged {
		grades = append(grades, g)
	}
	for i := range min(k, len(grades)) {
		j := i
		for x := range grades[i:] {
			if grades[i+x] > grades[j] {
				j = i + x
			}
		}
		grades[i], grades[j] = grades[j], grades[i]
		best += float64(grades[i]) / math.Log2(float64(i)+2)
	}
	if best == 0 {
		return 0
	}
	return got / best
}

type record struct {
	ID    string `json:"_id"`
	Title string `json:"title"`
	Text  string `json:"text"`
}

// openWith returns an index of the records, one chunk each, applied in
// batches as a follower does.
func openWith(t testing.TB, corpus []record) *local.Index {
	index, err := local.Open()
	if err != nil {
		t.Fatal(err)
	}
	changes := []rag.IndexChange{{Change: rag.Change{Seq: 1, Kind: rag.ChangeCreated, Collection: "c", Settings: &rag.Collection{Name: "c"}}}}
	for i, r := range corpus {
		doc := rag.Document{ID: r.ID, Collection: "c", URI: r.ID, Access: []string{"*"}, Version: rag.Version{Number: 1, Title: r.Title}}
		changes = append(changes, rag.IndexChange{Change: rag.Change{
			Seq: uint64(i + 2), Kind: rag.ChangePublished, Collection: "c", Document: &doc,
			Chunks: []rag.Chunk{{Key: rag.ChunkKey{DocumentID: r.ID, Version: 1}, TextHash: rag.TextHash("", r.Text), Text: r.Text}},
		}})
	}
	for len(changes) > 0 {
		batch := changes[:min(512, len(changes))]
		changes = changes[len(batch):]
		if err := index.Apply(context.Background(), batch); err != nil {
			t.Fatal(err)
		}
	}
	return index
}

func eachLine(t testing.TB, path string, f func(line []byte)) {
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		f(lines.Bytes())
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

func loadCorpus(t testing.TB, dir string) (list []record) {
	eachLine(t, filepath.Join(dir, "corpus.jsonl"), func(line []byte) {
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	})
	return list
}

func loadQueries(t testing.TB, dir string) map[string]string {
	queries := map[string]string{}
	eachLine(t, filepath.Join(dir, "queries.jsonl"), func(line []byte) {
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		queries[r.ID] = r.Text
	})
	return queries
}

func loadJudgements(t testing.TB, dir string) map[string]map[string]int {
	judged := map[string]map[string]int{}
	eachLine(t, filepath.Join(dir, "qrels.tsv"), func(line []byte) {
		fields := strings.Split(string(line), "\t")
		grade, err := strconv.Atoi(strings.TrimSpace(fields[len(fields)-1]))
		if err != nil || grade <= 0 {
			return // the header, or not relevant
		}
		if judged[fields[0]] == nil {
			judged[fields[0]] = map[string]int{}
		}
		judged[fields[0]][fields[1]] = grade
	})
	return judged
}
