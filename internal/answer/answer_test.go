package answer

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	_ "github.com/quarry-search/quarry/internal/rapidseed"

	"github.com/quarry-search/quarry/internal/rag"
)

const bridges = `The Tay Bridge crosses a wide firth. It was opened in June 1878 by the railway company.
The old Tay Bridge fell in a storm one night in December. Engineers asked why the bridge fell?

Gulls nest on the piers of the bridge in spring.`

func TestAnswerQuotes(t *testing.T) {
	l := &library{}
	l.prose("gulls.txt", "Gulls eat fish. Bread is not good for gulls.")
	l.prose("bridge.txt", bridges)
	got, _ := ask(t, l, asking("In which month did the old Tay Bridge fall in a storm?"))
	if got.Result != rag.Answered || got.Generator != Generator || got.Reason != "" {
		t.Fatalf("%+v", got)
	}
	first := got.Citations[0]
	if first.Quote != "The old Tay Bridge fell in a storm one night in December." || first.Document.URI != "bridge.txt" {
		t.Errorf("quoted %q of %s", first.Quote, first.Document.URI)
	}
	if first.Locator.LineStart != 2 || first.Locator.LineEnd != 2 {
		t.Errorf("lines %d-%d", first.Locator.LineStart, first.Locator.LineEnd)
	}
	if !strings.HasPrefix(got.Text, first.Quote+" [1]") {
		t.Errorf("text %q", got.Text)
	}
	var stages []string
	for _, s := range got.Stages {
		stages = append(stages, s.Name)
	}
	if d := cmp.Diff([]string{"retrieval", "generate", "verify"}, stages); d != "" {
		t.Error(d)
	}
}

func TestAnswerAbstains(t *testing.T) {
	l := &library{}
	got, _ := ask(t, l, asking("Anything?"))
	if got.Result != rag.Abstained || got.Reason != ReasonNoHits || got.Confidence != 0 {
		t.Errorf("without hits: %+v", got)
	}
	l.prose("gulls.txt", "Gulls eat fish. Bread is not good for gulls.")
	got, _ = ask(t, l, asking("How are mortgage interest rates computed quarterly?"))
	if got.Result != rag.Abstained || got.Reason != ReasonWeak || len(got.Search.Hits) != 1 || got.Text == "" {
		t.Errorf("off topic: %+v", got)
	}
}

func TestAnswerLimitsSentences(t *testing.T) {
	l := &library{}
	l.prose("a.txt", "Granite is hard rock from deep below. Granite is rock that builders like in walls. Some granite rock is pink or grey. The hardest granite rock comes from Norway. Granite rock hides mica.")
	for n, want := range map[int]int{0: 3, 1: 1, 2: 2} {
		q := asking("Tell me about granite rock.")
		q.MaxSentences = n
		if got, _ := ask(t, l, q); len(got.Sentences) != want {
			t.Errorf("max_sentences %d gave %d", n, len(got.Sentences))
		}
	}
	for _, n := range []int{-1, MaxSentences + 1} {
		q := asking("Tell me about granite rock.")
		q.MaxSentences = n
		if _, err := l.answerer(Options{}).Answer(t.Context(), reader, q, nil); rag.CodeOf(err) != rag.CodeInvalid {
			t.Errorf("max_sentences %d: %v", n, err)
		}
	}
}

// The judging reads explanations; the caller sees them only when asking.
func TestAnswerShowsExplanationsWhenAsked(t *testing.T) {
	l := &library{}
	l.prose("a.txt", "The granite quarry opened in 1911.")
	for _, explain := range []bool{false, true} {
		q := asking("When did the granite quarry open?")
		q.Explain = explain
		got, events := ask(t, l, q)
		for name, hits := range map[string][]rag.Hit{"answer": got.Search.Hits, "event": events[0].Search.Hits} {
			if shown := hits[0].Explain != nil; shown != explain {
				t.Errorf("explain %v: shown in the %s: %v", explain, name, shown)
			}
		}
	}
}

// The row of a glossary answers what its first word means: it is no fragment
// then, which a sentence as near would beat.
func TestAnswerDefines(t *testing.T) {
	l := &library{}
	l.prose("a.md", "| scope | what a principal may see |\n\nScope is for the good people of a town.")
	got, _ := ask(t, l, asking("What is scope?"))
	if len(got.Citations) == 0 || !strings.HasPrefix(got.Citations[0].Quote, "| scope |") {
		t.Error(got.Text)
	}
}

// A sentence that two documents hold is quoted once.
func TestAnswerDoesNotRepeat(t *testing.T) {
	l := &library{}
	l.prose("a.txt", "The granite quarry opened in 1911. Trees grow.")
	l.prose("b.txt", "The granite quarry opened in 1911. Birds sing.")
	got, _ := ask(t, l, asking("When did the granite quarry open?"))
	if len(got.Sentences) != 1 {
		t.Errorf("answer %q", got.Text)
	}
}

// A quote that the stored text does not bear out is never sent; the next best
// takes its place.
func TestAnswerDropsWhatIsNotStored(t *testing.T) {
	build := func() *library {
		l := &library{}
		l.prose("a.txt", "The granite quarry opened in the year 1911.")
		l.prose("b.txt", "A granite quarry, they say, was opened by Ana in 1912.")
		return l
	}
	id := rag.DocumentID("docs", "a.txt")
	q := asking("In what year was the granite quarry opened?")
	if got, _ := ask(t, build(), q); got.Citations[0].Document.ID != id || got.Dropped != 0 {
		t.Fatalf("sound library: %+v", got.Citations)
	}
	changed, hidden := build(), build()
	changed.changed = map[string]string{id: "The granite quarry opened in the year 1913."}
	hidden.hidden = map[string]bool{id: true}
	for name, l := range map[string]*library{"changed": changed, "hidden": hidden} {
		got, _ := ask(t, l, q)
		if got.Dropped != 1 || len(got.Citations) != 1 || got.Citations[0].Document.URI != "b.txt" {
			t.Errorf("%s: dropped %d, citations %+v", name, got.Dropped, got.Citations)
		}
	}
	hidden.hidden[rag.DocumentID("docs", "b.txt")] = true
	if got, _ := ask(t, hidden, q); got.Result != rag.Abstained || got.Reason != ReasonWeak {
		t.Errorf("nothing left: %+v", got)
	}
}

func TestAnswerErrors(t *testing.T) {
	l := &library{}
	l.prose("a.txt", "The granite quarry opened in 1911.")
	q := asking("When did the granite quarry open?")
	l.textErr = errDown
	if _, err := l.answerer(Options{}).Answer(t.Context(), reader, q, nil); !errors.Is(err, errDown) {
		t.Errorf("catalog down: %v", err)
	}
	l.textErr, l.found = nil, rag.Invalid("/mode", "mode is unknown")
	if _, err := l.answerer(Options{}).Answer(t.Context(), reader, q, nil); rag.CodeOf(err) != rag.CodeInvalid {
		t.Errorf("search refused: %v", err)
	}
	l.found = nil
	for stop := range 5 {
		sent := 0
		_, err := l.answerer(Options{}).Answer(t.Context(), reader, q, func(rag.Event) error {
			if sent == stop {
				return errDown
			}
			sent++
			return nil
		})
		if !errors.Is(err, errDown) || sent != stop {
			t.Errorf("client left after %d events: %d sent, %v", stop, sent, err)
		}
	}
}

// Without a model words decide, and the answer says so.
func TestAnswerWithoutModel(t *testing.T) {
	l := &library{embedErr: errDown}
	l.prose("bridge.txt", bridges)
	got, _ := ask(t, l, asking("Which old Tay Bridge fell in a storm?"))
	if d := cmp.Diff([]string{degradedVectors}, got.Search.Degraded); d != "" {
		t.Error(d)
	}
	if got.Result != rag.Answered || !strings.Contains(got.Citations[0].Quote, "fell in a storm") {
		t.Errorf("%q", got.Text)
	}
}

// Whatever the text and the question, what is quoted is stored, and the stream
// is whole.
func TestAnswerProperties(t *testing.T) {
	word := rapid.SampledFrom(strings.Fields("granite slate Marble. 漢字。 opened in 1911. ü? - # Stone | ``` : https://x.y/z when \n \n\n"))
	text := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(word, 1, 60).Draw(t, "words"), " ")
	})
	rapid.Check(t, func(rt *rapid.T) {
		l := &library{}
		for i := range rapid.IntRange(0, 4).Draw(rt, "documents") {
			kind := rapid.SampledFrom([]rag.Kind{rag.KindMarkdown, rag.KindCode, rag.KindText}).Draw(rt, "kind")
			s := text.Draw(rt, "text")
			l.add(rag.Parsed{Text: s, Kind: kind, Lines: true, Blocks: []rag.Block{{End: len(s)}}}, string(rune('a'+i)))
		}
		ask(t, l, asking(text.Draw(rt, "question")))
		if t.Failed() {
			rt.Fatal("see above")
		}
	})
}
