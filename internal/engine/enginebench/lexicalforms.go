package enginebench

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/quarry-search/quarry/internal/engine"
)

const (
	formQueries = 20     // of each kind
	formTexts   = 20_000 // whose common phrases are looked for, the first ones
)

// formKind is a kind of clause of the query language, and queries that are
// nothing else.
type formKind struct {
	name    string
	queries []string
}

// forms measures what the query language asks of the forms of words: phrases of
// the words that stand side by side most often, and prefixes and fuzzy words of
// the queries' longest words.
func (l *Lexical) forms(ctx context.Context, e *engine.Engine, queries []string) error {
	pairs, triples, err := l.commonPhrases()
	if err != nil {
		return err
	}
	words := longestWords(queries)
	kinds := []formKind{
		{"phrases of 2 common words", quoted(pairs)},
		{"phrases of 3 common words", quoted(triples)},
		{"prefixes of 3 letters", each(words, func(w string) string { return w[:3] + "*" })},
		{"fuzzy words, 1 edit", each(words, func(w string) string { return w + "~1" })},
		{"fuzzy words, 2 edits", each(words, func(w string) string { return w + "~2" })},
	}
	for _, k := range kinds {
		if err := l.formKind(ctx, e, k); err != nil {
			return err
		}
	}
	return nil
}

// formKind prints the processor time of a search: of each query the least of
// three passes, of these the median and the greatest.
func (l *Lexical) formKind(ctx context.Context, e *engine.Engine, k formKind) error {
	if len(k.queries) == 0 {
		return nil
	}
	took := make([]time.Duration, len(k.queries))
	var worst string
	var most time.Duration
	for i, q := range k.queries {
		for pass := range 3 {
			began := cpuTime()
			if _, err := e.Search(ctx, engine.Query{Collection: "texts", Text: q, Limit: l.Limit, Scope: engine.Scope{All: true}}); err != nil {
				return fmt.Errorf("query %q: %w", q, err)
			}
			if t := cpuTime() - began; pass == 0 || t < took[i] {
				took[i] = t
			}
		}
		if took[i] >= most {
			worst, most = q, took[i]
		}
	}
	slices.Sort(took)
	_, err := fmt.Fprintf(l.Out, "quarry: %s: %.2f ms of processor time at the median of %d queries, %.2f ms at most (%s)\n",
		k.name, milliseconds(took[len(took)/2]), len(took), milliseconds(most), worst)
	return err
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// commonPhrases returns the pairs and triples of words that stand side by side
// in most of the first texts.
func (l *Lexical) commonPhrases() (pairs, triples []string, err error) {
	f, err := os.Open(filepath.Join(l.Dir, textsName))
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	twos, threes := map[string]int{}, map[string]int{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for n := 0; n < formTexts && lines.Scan(); n++ {
		words := strings.Fields(strings.ToLower(lines.Text()))
		for i := range words {
			if i >= 1 && plainWords(words[i-1:i+1]) {
				twos[strings.Join(words[i-1:i+1], " ")]++
			}
			if i >= 2 && plainWords(words[i-2:i+1]) {
				threes[strings.Join(words[i-2:i+1], " ")]++
			}
		}
	}
	return mostFrequent(twos), mostFrequent(threes), lines.Err()
}

// plainWords reports whether the words are letters only.
func plainWords(words []string) bool {
	for _, w := range words {
		if strings.Trim(w, "abcdefghijklmnopqrstuvwxyz") != "" {
			return false
		}
	}
	return true
}

func mostFrequent(counts map[string]int) []string {
	maps.DeleteFunc(counts, func(_ string, n int) bool { return n < 10 })
	list := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b))
	})
	return list[:min(len(list), formQueries)]
}

// longestWords returns the longest plain word of five letters or more of each
// of the first queries that have one.
func longestWords(queries []string) (list []string) {
	for _, q := range queries {
		longest := ""
		for _, w := range strings.Fields(strings.ToLower(q)) {
			if len(w) > len(longest) && plainWords([]string{w}) {
				longest = w
			}
		}
		if len(longest) >= 5 && len(list) < formQueries {
			list = append(list, longest)
		}
	}
	return list
}

func quoted(phrases []string) []string {
	return each(phrases, func(p string) string { return `"` + p + `"` })
}

func each(words []string, f func(string) string) []string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = f(w)
	}
	return list
}
