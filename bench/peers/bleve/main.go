// Command bleve is the lexical benchmark by bleve v2: the same files, the same
// question.
//
//	go run . DIR [passes]
package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/analysis/lang/en"
	"github.com/blevesearch/bleve/v2/mapping"
	index "github.com/blevesearch/bleve_index_api"
)

const limit = 100

// cpu is what all threads of the process computed so far, in seconds.
func cpu() float64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano()).Seconds()
}

func must[T any](v T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bleve:", err)
		os.Exit(1)
	}
	return v
}

func lines(path string) []string {
	return strings.Split(strings.TrimSuffix(string(must(os.ReadFile(path))), "\n"), "\n")
}

func textMapping() mapping.IndexMapping {
	text := bleve.NewTextFieldMapping()
	text.Analyzer, text.Store, text.IncludeTermVectors, text.IncludeInAll, text.DocValues = en.AnalyzerName, false, false, false, false
	m := bleve.NewIndexMapping()
	m.ScoringModel = index.BM25Scoring
	m.DefaultMapping.Dynamic = false
	m.DefaultMapping.AddFieldMappingsAt("text", text)
	return m
}

// build writes one segment offline.
func build(path string, texts []string) {
	b := must(bleve.NewBuilder(path, textMapping(), map[string]interface{}{"batchSize": 50_000, "mergeMax": 50}))
	for i, t := range texts {
		if err := b.Index(strconv.Itoa(i), map[string]string{"text": t}); err != nil {
			must(0, err)
		}
	}
	must(0, b.Close())
}

func main() {
	runtime.GOMAXPROCS(1)
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "bleve: name the folder")
		os.Exit(2)
	}
	dir, passes := os.Args[1], 3
	if len(os.Args) > 2 {
		passes = must(strconv.Atoi(os.Args[2]))
	}
	path := filepath.Join(dir, "bleve.index")
	if _, err := os.Stat(path); err != nil {
		build(path, lines(filepath.Join(dir, "texts.txt")))
	}
	x := must(bleve.Open(path))
	queries := lines(filepath.Join(dir, "queries.txt"))
	search := func(q string) *bleve.SearchResult {
		match := bleve.NewMatchQuery(q)
		match.SetField("text")
		return must(x.Search(bleve.NewSearchRequestOptions(match, limit, 0, false)))
	}
	out := must(os.Create(filepath.Join(dir, "bleve.top")))
	w := bufio.NewWriter(out)
	for _, q := range queries {
		var ids []string
		for _, h := range search(q).Hits {
			ids = append(ids, h.ID)
		}
		fmt.Fprintln(w, strings.Join(ids, " "))
	}
	must(0, w.Flush())
	must(0, out.Close())
	var rates []float64
	for range passes {
		began := cpu()
		for _, q := range queries {
			search(q)
		}
		rates = append(rates, float64(len(queries))/(cpu()-began))
	}
	slices.Sort(rates)
	fmt.Printf("bleve: %d queries, top %d: %.0f queries per CPU-second (median of %d)\n", len(queries), limit, rates[len(rates)/2], len(rates))
}
