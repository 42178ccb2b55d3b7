package enginebench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quarry-search/quarry/internal/engine"
	"github.com/quarry-search/quarry/internal/engine/bm25"
	"github.com/quarry-search/quarry/internal/engine/vfs"
)

// Names of the files of the lexical benchmark. Texts and queries hold one a
// line; a .top file holds, for each query, the line numbers (from 0) of the
// texts that an engine found, best first.
const (
	textsName   = "texts.txt"
	queriesName = "queries.txt"
	topSuffix   = ".top"
)

// peersParams are those of bleve and tantivy, which cannot be set there.
var peersParams = bm25.Params{K1: 1.2, B: 0.75}

// Lexical measures the lexical leg: BM25 over short texts, one core.
type Lexical struct {
	Dir    string // texts.txt, queries.txt; the index and quarry.top are written there
	Limit  int    // texts wanted of each query
	Passes int    // over the queries; the median is told
	Out    io.Writer
}

// WriteTexts writes the files of the benchmark: so many texts, of which those
// that are missing are made of the first half of one and the second of another.
func WriteTexts(dir string, texts, queries []string, wanted int) error {
	if len(texts) == 0 || len(queries) == 0 {
		return errors.New("there are no texts or no queries")
	}
	r := rand.New(rand.NewPCG(7, 8))
	for given := len(texts); len(texts) < wanted; {
		a, b := strings.Fields(texts[r.IntN(given)]), strings.Fields(texts[r.IntN(given)])
		texts = append(texts, strings.Join(append(a[:len(a)/2:len(a)/2], b[len(b)/2:]...), " "))
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return errors.Join(writeLines(filepath.Join(dir, textsName), texts), writeLines(filepath.Join(dir, queriesName), queries))
}

func writeLines(path string, lines []string) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriter(f)
	for _, line := range lines {
		fmt.Fprintln(w, strings.Join(strings.Fields(line), " "))
	}
	return w.Flush()
}

func readLines(path string) ([]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n"), nil
}

// Run measures, and compares with the .top files of peers that lie there.
func (l *Lexical) Run(ctx context.Context) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	queries, err := readLines(filepath.Join(l.Dir, queriesName))
	if err != nil {
		return err
	}
	e, err := l.index(ctx)
	if err != nil {
		return err
	}
	defer e.Close()
	top := make([][]string, len(queries))
	var rates []float64
	for pass := range l.Passes + 1 {
		began := cpuTime()
		for i, q := range queries {
			got, err := e.Search(ctx, engine.Query{Collection: "texts", Text: q, Limit: l.Limit, Scope: engine.Scope{All: true}})
			if err != nil {
				return fmt.Errorf("query %d: %w", i, err)
			}
			if pass > 0 {
				continue // the first only warms up, and keeps what it found
			}
			for _, c := range got.Candidates {
				top[i] = append(top[i], strings.TrimLeft(c.DocID, "0"))
			}
		}
		if pass > 0 {
			rates = append(rates, float64(len(queries))/(cpuTime()-began).Seconds())
		}
	}
	slices.Sort(rates)
	fmt.Fprintf(l.Out, "quarry: %d queries, top %d: %.0f queries per CPU-second (median of %d)\n", len(queries), l.Limit, rates[len(rates)/2], len(rates))
	return errors.Join(l.forms(ctx, e, queries), l.compare(top))
}

// index opens the index of the texts, and makes it first where there is none.
func (l *Lexical) index(ctx context.Context) (*engine.Engine, error) {
	fs, err := vfs.OpenDir(filepath.Join(l.Dir, "quarry.index"))
	if err != nil {
		return nil, err
	}
	e, err := engine.Open(engine.Options{FS: fs, BM25: peersParams})
	if err != nil || e.Applied() > 0 {
		return e, err
	}
	texts, err := readLines(filepath.Join(l.Dir, textsName))
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	began, cpu := time.Now(), cpuTime()
	changes := []engine.Change{{Seq: 1, Kind: engine.Create, Collection: "texts"}}
	for i, text := range texts {
		changes = append(changes, engine.Change{Seq: uint64(i + 2), Kind: engine.Put, Collection: "texts", Document: engine.Document{
			ID: fmt.Sprintf("%08d", i+1), Rows: []engine.Row{{Hash: engine.Hash{byte(i), byte(i >> 8), byte(i >> 16), byte(i >> 24)}, Text: text}},
		}})
		if len(changes) >= 20_000 || i == len(texts)-1 {
			if err := e.Apply(changes); err != nil {
				return nil, errors.Join(err, e.Close())
			}
			changes = changes[:0]
		}
	}
	err = errors.Join(e.Compact(ctx), e.Flush())
	fmt.Fprintf(l.Out, "quarry: %d texts indexed in %.0f CPU-seconds, %.0f s\n", len(texts), (cpuTime() - cpu).Seconds(), time.Since(began).Seconds())
	return e, err
}

// compare writes what was found, and tells how much of it peers found too.
func (l *Lexical) compare(top [][]string) error {
	lines := make([]string, len(top))
	for i, ids := range top {
		for j, id := range ids {
			n, err := strconv.Atoi(id)
			if err != nil {
				return err
			}
			ids[j] = strconv.Itoa(n - 1)
		}
		lines[i] = strings.Join(ids, " ")
	}
	if err := writeLines(filepath.Join(l.Dir, "quarry"+topSuffix), lines); err != nil {
		return err
	}
	peers, err := filepath.Glob(filepath.Join(l.Dir, "*"+topSuffix))
	if err != nil {
		return err
	}
	for _, path := range peers {
		name := strings.TrimSuffix(filepath.Base(path), topSuffix)
		theirs, err := readLines(path)
		if err != nil || name == "quarry" || len(theirs) != len(top) {
			continue
		}
		common, all, first := 0, 0, 0
		for i, line := range theirs {
			ids := strings.Fields(line)
			all += max(len(ids), len(top[i]))
			for _, id := range ids {
				if slices.Contains(top[i], id) {
					common++
				}
			}
			if len(ids) > 0 && slices.Contains(top[i][:min(10, len(top[i]))], ids[0]) {
				first++
			}
		}
		fmt.Fprintf(l.Out, "%s: %.1f %% of the texts in common; its first text is among ours' first ten for %.1f %% of the queries\n",
			name, 100*float64(common)/float64(max(all, 1)), 100*float64(first)/float64(len(top)))
	}
	return nil
}
