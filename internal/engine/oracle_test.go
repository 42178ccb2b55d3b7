package engine

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/quarry-search/quarry/internal/clause"
	"github.com/quarry-search/quarry/internal/engine/bm25"
	"github.com/quarry-search/quarry/internal/engine/segment"
	"github.com/quarry-search/quarry/internal/filter"
)

const testDim = 64

// oracle is the naive engine: documents in maps, every answer by looking at
// each of them.
type oracle struct {
	metric      Metric
	collections map[string]map[string]*oracleDoc
	pasts       map[string]*oraclePast
	history     map[string]History
	seq         uint64
}

type oracleDoc struct {
	Document
	vectors map[Hash][]float32

	from, until uint64 // seqs between which the version stood; until is 0 for one that stands
}

func (o *oracle) apply(c Change) {
	o.keepOrNot(c)
	o.seq = c.Seq
	docs := o.collections[c.Collection]
	switch c.Kind {
	case Unknown:
		o.pasts[c.Collection].lose(c.Document.ID)
	case Create:
		o.collections[c.Collection] = map[string]*oracleDoc{}
	case Drop:
		delete(o.collections, c.Collection)
	case Put:
		o.pasts[c.Collection].keep(docs[c.Document.ID], c)
		o.pasts[c.Collection].setAccess(c.Document)
		o.pasts[c.Collection].known(c)
		docs[c.Document.ID] = &oracleDoc{Document: c.Document, vectors: map[Hash][]float32{}, from: c.Seq}
	case Delete:
		o.pasts[c.Collection].keep(docs[c.Document.ID], c)
		o.pasts[c.Collection].known(c)
		delete(docs, c.Document.ID)
	case Erase:
		o.pasts[c.Collection].erase(c.Document.ID)
	case SetAccess:
		o.pasts[c.Collection].setAccess(c.Document)
		if d := docs[c.Document.ID]; d != nil {
			d.Access = c.Document.Access
		}
	}
	for name, docs := range o.collections {
		if c.Collection != "" && name != c.Collection {
			continue
		}
		for _, d := range docs {
			d.attach(c.Vectors)
		}
		if c.Collection == "" {
			for _, d := range o.pasts[name].all() {
				d.attach(c.Vectors)
			}
		}
	}
}

func (q Query) sees(d *oracleDoc) bool {
	return q.Scope.All || slices.ContainsFunc(d.Access, func(l string) bool { return slices.Contains(q.Scope.Labels, l) })
}

type oracleRow struct {
	doc     *oracleDoc
	row     Row
	tokens  []segment.Token
	lexical bm25.Score
	dense   float32
	known   bool
}

// search answers a query as Engine.Search should, with exact dense scores.
func (o *oracle) search(q Query) Result {
	var seen []*oracleRow
	var stats bm25.Stats
	var spoken bm25.Languages
	for _, d := range o.standing(q) {
		if !q.sees(d) {
			continue
		}
		spoken.Add(bm25.LanguageOf(d.Language))
		for _, r := range d.Rows {
			row := &oracleRow{doc: d, row: r, tokens: tokens(bm25.LanguageOf(d.Language), r)}
			stats.Rows++
			stats.Terms += uint64(row.length())
			seen = append(seen, row)
		}
	}
	text := readText(q.Text, spoken)
	allowed := slices.DeleteFunc(slices.Clone(seen), func(r *oracleRow) bool {
		return !q.Filter.Match(func(key string) (filter.Value, bool) { v, ok := r.doc.Fields[key]; return v, ok }) || !text.allows(r)
	})
	text.score(seen, bm25.NewScorer(bm25.DefaultParams, stats))
	for _, row := range allowed {
		if v := row.doc.vectors[row.row.Hash]; v != nil && q.Vector != nil {
			out := make([]float32, 1)
			padded := make([]float32, 2*testDim)
			copy(padded, q.Vector)
			copy(padded[testDim:], v)
			exactScores(o.metric, out, padded[:testDim], padded[testDim:], []uint32{0})
			row.dense, row.known = out[0], true
		}
	}
	return o.result(q, allowed)
}

// candidates ranks both legs and joins them. The sorts are stable over rows in
// the order of their keys.
func (o *oracle) candidates(q Query, rows []*oracleRow) []Candidate {
	dense := slices.DeleteFunc(slices.Clone(rows), func(r *oracleRow) bool { return !r.known })
	slices.SortStableFunc(dense, func(a, b *oracleRow) int { return cmp.Compare(b.dense, a.dense) })
	lexical := slices.DeleteFunc(slices.Clone(rows), func(r *oracleRow) bool { return r.lexical == 0 })
	slices.SortStableFunc(lexical, func(a, b *oracleRow) int { return cmp.Compare(b.lexical, a.lexical) })
	if q.SkipLexical {
		lexical = nil
	}
	dense, lexical = q.firstOfEach(dense), q.firstOfEach(lexical)
	dense, lexical = dense[:min(q.Limit, len(dense))], lexical[:min(q.Limit, len(lexical))]
	var list []Candidate
	for i, r := range dense {
		list = append(list, r.candidate(q, i+1, slices.Index(lexical, r)+1))
	}
	for i, r := range lexical {
		if !slices.Contains(dense, r) {
			list = append(list, r.candidate(q, 0, i+1))
		}
	}
	return list
}

func (r *oracleRow) candidate(q Query, denseRank, lexicalRank int) Candidate {
	c := Candidate{DocID: r.doc.ID, Version: r.doc.Version, Ordinal: r.row.Ordinal, Hash: r.row.Hash}
	if q.Vector != nil {
		c.Dense = Score{r.dense, denseRank, r.known}
	}
	if q.Text != "" && !q.SkipLexical {
		c.Lexical = Score{r.lexical.Float(), lexicalRank, true}
	}
	return c
}

// world writes a log into an engine and keeps the oracle beside it.
type world struct {
	r      *rand.Rand
	oracle oracle
	log    []Change
	varied bool // collections differ in whether they keep their past
}

func newWorld(seed uint64) *world {
	metric := Metric(seed % 3)
	w := &world{r: rand.New(rand.NewPCG(seed, 1)), oracle: oracle{metric, map[string]map[string]*oracleDoc{}, map[string]*oraclePast{}, map[string]History{}, 0}}
	w.create("a")
	w.create("b")
	return w
}

func (w *world) create(name string) {
	w.add(Change{Kind: Create, Collection: name, Settings: VectorSettings{Metric: w.oracle.metric}, History: w.history()})
}

func (w *world) add(c Change) {
	c.Seq = uint64(len(w.log) + 1)
	w.log = append(w.log, c)
	w.oracle.apply(c)
}

// catchUp applies what the engine has not seen.
func (w *world) catchUp(e *Engine) error { return e.Apply(w.log[e.Applied():]) }

func (w *world) collection() string { return []string{"a", "a", "a", "b"}[w.r.IntN(4)] }
func (w *world) id() string         { return "doc" + strconv.Itoa(w.r.IntN(30)) }

var vocabulary = strings.Fields("alpha beta gamma delta epsilon zeta the theta getHTTPResponse running die maisons runs stone trees Häuser runner Haus")

func (w *world) text() string {
	n := 1 + w.r.IntN(8)
	words := make([]string, n)
	for i := range words {
		words[i] = vocabulary[min(w.r.IntN(len(vocabulary)), w.r.IntN(len(vocabulary)))]
	}
	return strings.Join(words, " ")
}

// question is a text, some words of which have operators.
func (w *world) question() string {
	words := strings.Fields(w.text())
	for i, word := range words {
		switch w.r.IntN(12) {
		case 0:
			words[i] = "-" + word
		case 1:
			words[i] = "+" + word
		case 2:
			words[i] = []string{"", "+", "-"}[w.r.IntN(3)] + word[:2] + "*"
		case 3:
			words[i] = []string{"", "+", "-"}[w.r.IntN(3)] + word[:len(word)-1] + []string{"x~1", "~1", "sen~2"}[w.r.IntN(3)]
		case 4:
			words[i] = []string{"", "+", "-"}[w.r.IntN(3)] + `"` + w.text() + `"`
		case 5:
			words[i] = []string{"", "-"}[w.r.IntN(2)] + `"` + word + " " + vocabulary[w.r.IntN(len(vocabulary))] + `"`
		}
	}
	if text := strings.Join(words, " "); strings.ContainsFunc(text, unicode.IsLetter) {
		if _, err := clause.Parse(text); err == nil {
			return text
		}
	}
	return w.text()
}

func hashOf(text string) (h Hash) {
	copy(h[:], text)
	h[31] = byte(len(text))
	return h
}

func testVector(seed uint64) []float32 {
	return unitVector(rand.New(rand.NewPCG(seed, 3)), testDim)
}

// vector makes vectors of any length where the metric has use for it.
func (w *world) vector(seed uint64) []float32 {
	v := testVector(seed)
	if w.oracle.metric != Cosine {
		by := 3 * rand.New(rand.NewPCG(seed, 4)).Float32()
		for i := range v {
			v[i] *= by
		}
	}
	return v
}

// step makes one random change.
func (w *world) step() {
	coll := w.collection()
	switch w.r.IntN(10) {
	case 0:
		w.add(Change{Kind: Delete, Collection: coll, Document: Document{ID: w.id()}})
	case 1:
		w.add(Change{Kind: SetAccess, Collection: coll, Document: Document{ID: w.id(), Access: w.access()}})
	case 2, 3:
		vectors := map[Hash][]float32{}
		docs := w.oracle.collections[coll]
		for _, id := range slices.Sorted(maps.Keys(docs)) {
			d := docs[id]
			if r := d.Rows[w.r.IntN(len(d.Rows))]; w.r.IntN(3) == 0 {
				vectors[r.Hash] = w.vector(uint64(r.Hash[0]) + uint64(r.Hash[31])<<8)
			}
		}
		w.add(Change{Kind: SetVectors, Vectors: vectors})
	case 4:
		if id := w.id(); w.r.IntN(8) == 0 { // as the log tells it: something known follows
			w.add(Change{Kind: Unknown, Collection: coll, Document: Document{ID: id}})
			if w.r.IntN(2) == 0 {
				w.add(Change{Kind: Delete, Collection: coll, Document: Document{ID: id}})
			}
		}
		if w.r.IntN(3) == 0 {
			w.add(Change{Kind: Erase, Collection: coll, Document: Document{ID: w.id()}})
		}
		if w.varied && w.r.IntN(3) == 0 {
			w.add(Change{Kind: Alter, Collection: coll, Settings: VectorSettings{Metric: w.oracle.metric}, History: w.history()})
		}
		if w.r.IntN(12) == 0 {
			w.add(Change{Kind: Drop, Collection: coll})
			w.create(coll)
		}
	default:
		w.put(coll)
	}
}

func (w *world) access() []string {
	return [][]string{{}, {"x"}, {"y"}, {"x", "y"}, {"z", "x"}}[w.r.IntN(5)]
}

func (w *world) put(coll string) {
	d := Document{Language: []string{"", "en", "de", "fr-CA", "xx"}[w.r.IntN(5)], ID: w.id(), Version: len(w.log), Access: w.access(), Fields: map[string]filter.Value{"n": filter.NumberOf(float64(w.r.IntN(5)))}}
	if w.r.IntN(2) == 0 {
		d.Fields["tag"] = filter.ListOf(vocabulary[:w.r.IntN(4)]...)
	}
	if w.r.IntN(3) > 0 {
		d.Fields["mixed"] = w.value()
	}
	c := Change{Kind: Put, Collection: coll, Vectors: map[Hash][]float32{}}
	for o := range 1 + w.r.IntN(4) {
		text := w.text()
		h := hashOf(text)
		row := Row{Ordinal: o, Hash: h, Text: text}
		if w.r.IntN(2) == 0 {
			row.Title, row.Heading = w.text(), w.text()
		}
		d.Rows = append(d.Rows, row)
		if w.r.IntN(3) > 0 {
			c.Vectors[h] = w.vector(uint64(h[0]) + uint64(h[31])<<8)
		}
	}
	c.Document = d
	w.add(c)
}

// heal puts back what the engine lost, from the present state of the oracle. It
// returns how many documents that were, of how many in all.
func (w *world) heal(t *testing.T, e *Engine) (restored, all int) {
	t.Helper()
	lost := e.Lost()
	for _, name := range slices.Sorted(maps.Keys(lost)) {
		docs := w.oracle.collections[name]
		missing, err := e.Missing(name, slices.Sorted(maps.Keys(docs)))
		must(t, err)
		restored += len(missing)
		for _, id := range missing {
			must(t, e.Restore([]Change{{Kind: Put, Collection: name, Document: docs[id].Document, Vectors: docs[id].vectors}}))
		}
		e.Healed(name, lost[name])
	}
	for _, docs := range w.oracle.collections {
		all += len(docs)
	}
	return restored, all
}

// check compares some random queries; it returns a difference, "" for none.
func (w *world) check(e *Engine) string {
	for range 3 {
		q := Query{Collection: w.collection(), Limit: 1 + w.r.IntN(20), Exact: true, Scope: Scope{All: true}}
		if w.r.IntN(2) == 0 {
			q.Scope = Scope{Labels: [][]string{nil, {"x"}, {"y", "z"}}[w.r.IntN(3)]}
		}
		if w.r.IntN(4) > 0 {
			q.Text, q.SkipLexical = w.question(), w.r.IntN(5) == 0
		}
		if w.r.IntN(4) > 0 {
			q.Vector = w.vector(w.r.Uint64N(99))
		}
		switch w.r.IntN(3) {
		case 0:
			q.Filter = filter.Test(filter.Gte, "n", filter.NumberOf(float64(w.r.IntN(5))))
		case 1:
			q.Filter = filter.Negate(filter.Test(filter.Eq, "tag", filter.StringOf("alpha")))
		}
		w.drawAttributes(&q)
		if e.options.KeepHistory && w.r.IntN(3) == 0 {
			q.AsOf = w.r.Uint64N(uint64(len(w.log)) + 2)
		}
		got, err := e.Search(context.Background(), q)
		want, wantErr := w.oracle.searchAsOf(q)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			return fmt.Sprintf("as of %d: error %v, want %v", q.AsOf, err, wantErr)
		}
		if err != nil {
			continue
		}
		want.Seq = uint64(len(w.log))
		got.DensePath, got.DenseTook, got.LexicalTook = "", 0, 0
		if reflect.DeepEqual(want, got) {
			continue
		}
		if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			return q.Text + "\n" + diff
		}
	}
	return ""
}
