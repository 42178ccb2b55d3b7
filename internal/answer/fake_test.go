package answer

import (
	"context"
	"errors"
	"hash/fnv"
	"math"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/quarry-search/quarry/internal/chunk"
	"github.com/quarry-search/quarry/internal/rag"
)

// library is a search, a catalog and a model over a few documents.
type library struct {
	texts    map[string]string // stored text by document id
	hits     []rag.Hit
	changed  map[string]string // what the catalog reads instead
	hidden   map[string]bool   // what it no longer shows
	textErr  error
	embedErr error
	found    error
}

// add stores a document and makes each of its chunks a hit, in order.
func (l *library) add(p rag.Parsed, uri string) {
	if l.texts == nil {
		l.texts = map[string]string{}
	}
	d := rag.Document{ID: rag.DocumentID("docs", uri), Collection: "docs", URI: uri, Version: rag.Version{Number: 1, Title: p.Title, Kind: p.Kind}}
	l.texts[d.ID] = p.Text
	for _, c := range chunk.Split(p, chunk.Options{}) {
		c.Key.DocumentID, c.Key.Version = d.ID, 1
		l.hits = append(l.hits, rag.Hit{Rank: len(l.hits) + 1, Chunk: c, Document: d, Explain: &rag.Explanation{}})
	}
}

// prose stores plain paragraphs.
func (l *library) prose(uri, text string) {
	l.add(rag.Parsed{Text: text, Kind: rag.KindText, Lines: true, Blocks: []rag.Block{{End: len(text)}}}, uri)
}

func (l *library) Search(_ context.Context, _ rag.Principal, q rag.Query) (rag.SearchResult, error) {
	return rag.SearchResult{Hits: l.hits, Mode: rag.Hybrid}, l.found
}

func (l *library) Text(_ context.Context, s rag.Scope, id string, _ int) (string, error) {
	if l.textErr != nil {
		return "", l.textErr
	}
	if l.hidden[id] || s.Empty() {
		return "", rag.NotFound("document")
	}
	if text, ok := l.changed[id]; ok {
		return text, nil
	}
	return l.texts[id], nil
}

func (l *library) Embed(_ context.Context, _ rag.EmbedRole, texts []string) ([][]float32, error) {
	return l.Vectors(context.Background(), texts)
}

// Vectors hashes terms into 512 dimensions.
func (l *library) Vectors(_ context.Context, texts []string) ([][]float32, error) {
	var out [][]float32
	for _, text := range texts {
		v := make([]float32, 512)
		for _, term := range terms(text) {
			h := fnv.New32a()
			h.Write([]byte(term))
			v[h.Sum32()%512]++
		}
		var norm float64
		for _, x := range v {
			norm += float64(x * x)
		}
		for i := range v {
			v[i] /= float32(math.Sqrt(norm) + 1e-9)
		}
		out = append(out, v)
	}
	return out, l.embedErr
}

// terms lowers words and drops the endings s and ed.
func terms(text string) (out []string) {
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }) {
		if len(w) > 3 {
			w = strings.TrimSuffix(strings.TrimSuffix(w, "s"), "ed")
		}
		out = append(out, w)
	}
	return out
}

func (l *library) answerer(o Options) *Answerer {
	return New(Deps{Search: l, Texts: l, Embedder: l, Vectors: l, Analyze: terms}, o)
}

var (
	errDown = errors.New("down")
	reader  = rag.Principal{Subject: "ana"}
)

func asking(text string) rag.Question { return rag.Question{Query: rag.Query{Text: text}} }

// ask answers and checks what holds of every answer and of every stream.
func ask(t *testing.T, l *library, q rag.Question) (rag.Answer, []rag.Event) {
	t.Helper()
	var events []rag.Event
	got, err := l.answerer(Options{}).Answer(t.Context(), reader, q, func(e rag.Event) error {
		events = append(events, e)
		return nil
	})
	if err != nil {
		t.Fatalf("ask %q: %v", q.Text, err)
	}
	checkCitations(t, l, got)
	checkStream(t, got, events)
	return got, events
}

func checkCitations(t *testing.T, l *library, a rag.Answer) {
	t.Helper()
	if len(a.Citations) != len(a.Sentences) {
		t.Fatalf("%d citations for %d sentences", len(a.Citations), len(a.Sentences))
	}
	for i, c := range a.Citations {
		text := l.texts[c.Document.ID]
		if c.Number != i+1 || text[c.Span.ByteStart:c.Span.ByteEnd] != c.Quote || a.Sentences[i].Text != c.Quote {
			t.Errorf("citation %d quotes %q at %+v", c.Number, c.Quote, c.Span)
		}
		if utf8.RuneCountInString(text[:c.Span.ByteStart]) != c.Span.CharStart || utf8.RuneCountInString(text[:c.Span.ByteEnd]) != c.Span.CharEnd {
			t.Errorf("citation %d: characters of %+v", c.Number, c.Span)
		}
		if c.QuoteSHA256 != rag.HashBytes([]byte(c.Quote)) || a.Sentences[i].Verdict != rag.Quoted {
			t.Errorf("citation %d: hash or verdict", c.Number)
		}
		if c.Locator.LineStart > 0 && c.Locator.LineStart != 1+strings.Count(text[:c.Span.ByteStart], "\n") {
			t.Errorf("citation %d: line %d", c.Number, c.Locator.LineStart)
		}
	}
}

// checkStream checks the order of events and that the deltas make the text.
func checkStream(t *testing.T, a rag.Answer, events []rag.Event) {
	t.Helper()
	var text strings.Builder
	var order []string
	for _, e := range events {
		if e.Type == rag.EventDelta {
			if before := text.String(); before != "" && !endsWord(before, e.Delta) {
				t.Errorf("delta %q tears a word after %q", e.Delta, before)
			}
			text.WriteString(e.Delta)
			if n := len(order); n > 0 && order[n-1] == "delta" {
				continue
			}
		}
		order = append(order, string(e.Type))
	}
	want := []string{"retrieval"}
	for range a.Sentences {
		want = append(want, "delta", "citation", "verdict")
	}
	if a.Result == rag.Abstained {
		want = append(want, "delta")
	}
	want = append(want, "usage", "done")
	if strings.Join(order, " ") != strings.Join(want, " ") {
		t.Errorf("events %v, want %v", order, want)
	}
	if text.String() != a.Text {
		t.Errorf("deltas make %q, the text is %q", text.String(), a.Text)
	}
	if last := events[len(events)-1]; last.Answer == nil || last.Answer.Text != a.Text {
		t.Errorf("done carries %+v", last.Answer)
	}
}

func endsWord(before, after string) bool {
	return isSpace(rune(before[len(before)-1])) || isSpace(rune(after[0]))
}
