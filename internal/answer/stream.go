package answer

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quarry-search/quarry/internal/rag"
)

// What an abstention says.
var abstentions = map[string]string{
	ReasonNoHits: "No passage answers this: the search found nothing.",
	ReasonWeak:   "No passage answers this. The nearest hits are shown.",
}

// stream builds the answer and sends each step of it.
type stream struct {
	send   func(rag.Event) error
	answer rag.Answer
}

func (s *stream) emit(e rag.Event) error {
	if s.send == nil {
		return nil
	}
	return s.send(e)
}

func (s *stream) took(stage string, since *time.Time) {
	now := time.Now()
	s.answer.Stages = append(s.answer.Stages, rag.Stage{Name: stage, Took: now.Sub(*since)})
	*since = now
}

// retrieved sends the hits, with their explanations only when asked for.
func (s *stream) retrieved(found rag.SearchResult, explain bool) error {
	if !explain {
		found.Hits = slices.Clone(found.Hits)
		for i := range found.Hits {
			found.Hits[i].Explain = nil
		}
	}
	s.answer.Search = found
	return s.emit(rag.Event{Type: rag.EventRetrieval, Search: &found})
}

func (s *stream) degrade(stage string) {
	s.answer.Search.Degraded = append(slices.Clone(s.answer.Search.Degraded), stage)
}

// quote sends one verified sentence: its words, its citation, its verdict.
func (s *stream) quote(u *unit, c rag.Citation) error {
	mark := "[" + strconv.Itoa(c.Number) + "]"
	text := c.Quote + " " + mark
	if u.block {
		text = c.Quote + "\n" + mark
	}
	if s.answer.Text != "" {
		separator := " "
		if u.block || strings.HasSuffix(s.answer.Text, "\n"+"["+strconv.Itoa(c.Number-1)+"]") {
			separator = "\n\n"
		}
		text = separator + text
	}
	if err := s.say(text); err != nil {
		return err
	}
	index := len(s.answer.Sentences)
	cited := []int{c.Number}
	s.answer.Sentences = append(s.answer.Sentences, rag.Sentence{Text: c.Quote, Citations: cited, Verdict: rag.Quoted})
	s.answer.Citations = append(s.answer.Citations, c)
	if err := s.emit(rag.Event{Type: rag.EventCitation, Citation: &c}); err != nil {
		return err
	}
	return s.emit(rag.Event{Type: rag.EventVerdict, Verdict: &rag.SentenceVerdict{Index: index, Verdict: rag.Quoted, Citations: cited}})
}

// say appends text to the answer and sends it in whole words.
func (s *stream) say(text string) error {
	s.answer.Text += text
	for len(text) > 0 {
		n := wordsPrefix(text, wordsPerDelta)
		if err := s.emit(rag.Event{Type: rag.EventDelta, Delta: text[:n]}); err != nil {
			return err
		}
		text = text[n:]
	}
	return nil
}

// wordsPerDelta is how many words one delta carries.
const wordsPerDelta = 4

// wordsPrefix returns the length of the first n words of text with the white
// space before them.
func wordsPrefix(text string, n int) int {
	at := 0
	for range n {
		word := strings.IndexFunc(text[at:], func(r rune) bool { return !isSpace(r) })
		if word < 0 {
			return len(text)
		}
		end := strings.IndexFunc(text[at+word:], isSpace)
		if end < 0 {
			return len(text)
		}
		at += word + end
	}
	if strings.TrimSpace(text[at:]) == "" {
		return len(text)
	}
	return at
}

func isSpace(r rune) bool { return r == ' ' || r == '\n' || r == '\t' }

func (s *stream) abstain(reason string) (rag.Answer, error) {
	s.answer.Reason = reason
	if err := s.say(abstentions[reason]); err != nil {
		return rag.Answer{}, err
	}
	return s.done(rag.Abstained)
}

func (s *stream) done(result rag.AnswerResult) (rag.Answer, error) {
	s.answer.Result = result
	if err := s.emit(rag.Event{Type: rag.EventUsage, Usage: &rag.Usage{}}); err != nil {
		return rag.Answer{}, err
	}
	final := s.answer
	if err := s.emit(rag.Event{Type: rag.EventDone, Answer: &final}); err != nil {
		return rag.Answer{}, err
	}
	return final, nil
}
