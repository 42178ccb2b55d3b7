package app

import (
	"context"
	"strings"
	"unicode"

	"github.com/quarry-search/quarry/internal/rag"
)

// sampleTries bounds how many questions SampleQuestion tries.
const sampleTries = 12

// SampleQuestion returns the question that a folder of this process answers
// best, to show a newcomer: made of a heading or title, tried, and safe to
// paste into a shell. It is "" when none is found.
func (a *App) SampleQuestion(ctx context.Context) string {
	best, confidence, tried := "", 0.0, 0
	for _, w := range a.folders {
		docs, err := a.catalog.ListDocuments(ctx, system("an example from the process's own folders"),
			rag.DocumentList{Collection: w.Collection, URIPrefix: w.source.Prefix(), Limit: 50})
		if err != nil {
			return best
		}
		for _, d := range docs {
			for _, question := range a.questionsOf(ctx, d) {
				if tried++; tried > sampleTries || ctx.Err() != nil {
					return best
				}
				answer, err := a.answerer.Answer(ctx, a.principal, rag.Question{Query: rag.Query{
					Text: question, Collections: []string{w.Collection}, TopK: 10,
				}}, nil)
				if err == nil && answer.Result == rag.Answered && answer.Confidence > confidence {
					best, confidence = question, answer.Confidence
				}
			}
		}
	}
	return best
}

// questionsOf makes questions of a document's headings, else of its title.
func (a *App) questionsOf(ctx context.Context, d rag.Document) []string {
	topics := []string{}
	chunks, err := a.catalog.DocumentChunks(ctx, system("an example from the process's own folders"), d.ID, d.Version.Number)
	if err == nil {
		for _, c := range chunks {
			if path := c.Locator.HeadingPath; len(path) > 1 {
				topics = append(topics, path[len(path)-1])
			}
		}
	}
	topics = append(topics, d.Version.Title)
	var questions []string
	for _, topic := range topics {
		if q := question(topic); q != "" && (len(questions) == 0 || questions[len(questions)-1] != q) {
			questions = append(questions, q)
		}
	}
	return questions[:min(len(questions), 3)]
}

// question turns a heading into a question, "" for one that makes none.
func question(topic string) string {
	topic = strings.TrimSpace(topic)
	harmless := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" ,-?", r)
	}
	if len(topic) < 8 || len(topic) > 80 || strings.ContainsFunc(topic, func(r rune) bool { return !harmless(r) }) {
		return ""
	}
	if strings.HasSuffix(topic, "?") {
		return topic
	}
	if len(strings.Fields(topic)) < 3 {
		return ""
	}
	return "What about " + strings.ToLower(topic[:1]) + topic[1:] + "?"
}
