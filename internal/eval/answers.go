package eval

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/quarry-search/quarry/internal/rag"
)

// AnswersReport tells how well answers quote and when they abstain.
type AnswersReport struct {
	Questions int `json:"questions"`
	// Of all questions, abstentions counting as misses: the best sentence, or
	// any sentence of the answer, holds a gold answer.
	Best     Interval `json:"best_sentence_holds_answer"`
	Any      Interval `json:"any_sentence_holds_answer"`
	Answered float64  `json:"answered"` // share
	// BestOfAnswered is Best among the questions that were answered.
	BestOfAnswered float64 `json:"best_of_answered"`
	Dropped        int     `json:"dropped_quotes"`
	Degraded       int     `json:"degraded"` // answers with a stage left out
	P50MS          float64 `json:"p50_ms"`
	P99MS          float64 `json:"p99_ms"`
	// Separations of the answerable questions from others by confidence.
	Against []Separation `json:"against,omitempty"`
	// Calibration compares confidence with how often the best sentence held
	// the answer, by tenths of confidence.
	Calibration []Bin `json:"calibration"`
}

// Separation tells answerable questions from those that must be abstained
// from.
type Separation struct {
	Name      string  `json:"name"`
	Questions int     `json:"questions"`
	AUROC     float64 `json:"auroc"`
	Abstained float64 `json:"abstained"` // share: higher is better
}

// Bin is a tenth of the scale of confidence.
type Bin struct {
	From       float64 `json:"from"`
	Questions  int     `json:"questions"`
	Confidence float64 `json:"confidence"` // mean
	Held       float64 `json:"held"`       // share whose best sentence held the answer
}

// reply is what is kept of one answer.
type reply struct {
	confidence float64
	answered   bool
	best, any  bool
	dropped    int
	degraded   int
	took       time.Duration
}

// answers asks the set's questions that carry answers, then those that have
// none, and the off-topic ones.
func (r *runner) answers(ctx context.Context) (*AnswersReport, error) {
	var questions []Entry
	for _, q := range r.set.Questions {
		if len(goldOf(q)) > 0 {
			questions = append(questions, q)
		}
	}
	if len(questions) == 0 {
		return nil, errors.New("no question carries metadata.answers, which an evaluation of answers needs")
	}
	replies, err := r.ask(ctx, "answerable", sample(questions, r.opts.Questions))
	if err != nil {
		return nil, err
	}
	report := summarise(replies)
	for _, other := range r.others() {
		entries, bad, err := ReadEntries(other.path)
		if err != nil {
			return nil, err
		}
		r.set.Malformed = append(r.set.Malformed, bad...)
		negatives, err := r.ask(ctx, other.name, sample(entries, r.opts.Questions))
		if err != nil {
			return nil, err
		}
		report.Against = append(report.Against, separate(other.name, replies, negatives))
	}
	return &report, nil
}

type questionFile struct{ name, path string }

// others are the lists of questions that the set cannot answer.
func (r *runner) others() (files []questionFile) {
	unanswerable := filepath.Join(r.set.Dir, "queries_unanswerable.jsonl")
	if _, err := os.Stat(unanswerable); !errors.Is(err, fs.ErrNotExist) {
		files = append(files, questionFile{"unanswerable", unanswerable})
	}
	if r.opts.OffTopic != "" {
		files = append(files, questionFile{"off topic", filepath.Join(r.opts.OffTopic, "queries.jsonl")})
	}
	return files
}

func (r *runner) ask(ctx context.Context, name string, questions []Entry) ([]reply, error) {
	r.progress("%s: %d questions, %s", r.set.Name, len(questions), name)
	replies := make([]reply, 0, len(questions))
	for _, q := range questions {
		started := time.Now()
		got, err := r.Answer.Answer(ctx, r.Principal, rag.Question{Query: rag.Query{Text: q.Text, Collections: []string{r.collection}}}, nil)
		if err != nil {
			return nil, fmt.Errorf("answer question %q: %w", q.ID, err)
		}
		one := reply{confidence: got.Confidence, answered: got.Result == rag.Answered, dropped: got.Dropped, degraded: min(len(got.Search.Degraded), 1), took: time.Since(started)}
		gold := goldOf(q)
		for i, c := range got.Citations {
			if holds(c.Quote, gold) {
				one.any = true
				one.best = one.best || i == 0
			}
		}
		replies = append(replies, one)
	}
	return replies, nil
}

func summarise(replies []reply) AnswersReport {
	var best, any []float64
	var took []time.Duration
	report := AnswersReport{Questions: len(replies), Calibration: make([]Bin, 10)}
	for _, one := range replies {
		best, any = append(best, oneIf(one.best)), append(any, oneIf(one.any))
		took = append(took, one.took)
		report.Dropped += one.dropped
		report.Degraded += one.degraded
		report.Answered += oneIf(one.answered)
		report.BestOfAnswered += oneIf(one.best)
		bin := &report.Calibration[min(int(one.confidence*10), 9)]
		bin.Questions++
		bin.Confidence += one.confidence
		bin.Held += oneIf(one.best)
	}
	report.BestOfAnswered /= max(report.Answered, 1)
	report.Answered /= float64(max(len(replies), 1))
	report.Best, report.Any = Bootstrap(best), Bootstrap(any)
	report.P50MS, report.P99MS = percentile(took, 50), percentile(took, 99)
	for i := range report.Calibration {
		bin := &report.Calibration[i]
		bin.From = float64(i) / 10
		bin.Confidence /= float64(max(bin.Questions, 1))
		bin.Held /= float64(max(bin.Questions, 1))
	}
	return report
}

func separate(name string, positive, negative []reply) Separation {
	s := Separation{Name: name, Questions: len(negative)}
	var high, low []float64
	for _, one := range positive {
		high = append(high, one.confidence)
	}
	for _, one := range negative {
		low = append(low, one.confidence)
		s.Abstained += oneIf(!one.answered) / float64(len(negative))
	}
	s.AUROC = AUROC(high, low)
	return s
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func goldOf(q Entry) (gold []string) {
	list, _ := q.Metadata["answers"].([]any)
	for _, raw := range list {
		if s, ok := raw.(string); ok && fold(s) != "" {
			gold = append(gold, fold(s))
		}
	}
	return gold
}

// holds reports whether the quote contains one of the folded answers.
func holds(quote string, gold []string) bool {
	text := fold(quote)
	for _, g := range gold {
		if strings.Contains(text, g) {
			return true
		}
	}
	return false
}

// fold lowers letters and reads any white space as one space.
func fold(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(s), unicode.IsSpace), " ")
}
