package eval

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/quarry-search/quarry/internal/rag"
)

// Report is what Run measured. It marshals to JSON as it stands.
type Report struct {
	Sets []SetReport `json:"sets"`
}

// SetReport is one set's part.
type SetReport struct {
	Set           string         `json:"set"`
	Corpus        CorpusReport   `json:"corpus"`
	IngestSeconds float64        `json:"ingest_seconds"`
	Questions     int            `json:"questions"`
	Modes         []ModeReport   `json:"modes"`
	Gains         []Gain         `json:"gains,omitempty"`
	Answers       *AnswersReport `json:"answers,omitempty"`
	Malformed     []Malformed    `json:"malformed"`
}

// ModeReport is one mode on one set; metrics are means over the questions.
type ModeReport struct {
	Mode      rag.Mode `json:"mode"`
	NDCG10    Interval `json:"ndcg_at_10"`
	Recall10  float64  `json:"recall_at_10"`
	Recall100 float64  `json:"recall_at_100"`
	MRR       float64  `json:"mrr"`
	P50MS     float64  `json:"p50_ms"` // of a search, one after the other
	P99MS     float64  `json:"p99_ms"`
	Degraded  int      `json:"degraded"` // searches with a stage left out
	Run       string   `json:"run,omitempty"`

	perQuestion []float64 // nDCG@10
}

// Gain is hybrid's nDCG@10 over another mode's, question by question.
type Gain struct {
	Over       rag.Mode `json:"over"`
	Difference Interval `json:"difference"`
}

// compare sets hybrid against the other modes.
func (s *SetReport) compare() {
	i := slices.IndexFunc(s.Modes, func(m ModeReport) bool { return m.Mode == rag.Hybrid })
	if i < 0 {
		return
	}
	for _, m := range s.Modes {
		if m.Mode != rag.Hybrid {
			s.Gains = append(s.Gains, Gain{Over: m.Mode, Difference: PairedBootstrap(s.Modes[i].perQuestion, m.perQuestion)})
		}
	}
}

// WriteTable prints the report for people.
func (r Report) WriteTable(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "set\tmode\tnDCG@10\t95 %\trecall@10\trecall@100\tMRR\tp50 ms\tp99 ms")
	for _, s := range r.Sets {
		for _, m := range s.Modes {
			fmt.Fprintf(table, "%s\t%s\t%.4f\t%.3f to %.3f\t%.4f\t%.4f\t%.4f\t%.1f\t%.1f\n", s.Set, m.Mode,
				m.NDCG10.Mean, m.NDCG10.Low, m.NDCG10.High, m.Recall10, m.Recall100, m.MRR, m.P50MS, m.P99MS)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, s := range r.Sets {
		if err := s.writeNotes(w); err != nil {
			return err
		}
	}
	return nil
}

// mostMalformed bounds the malformed lines that a table lists.
const mostMalformed = 10

func (s SetReport) writeNotes(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s: %d entries = %d indexed + %d unchanged", s.Set, s.Corpus.Entries, s.Corpus.Indexed, s.Corpus.Unchanged)
	for _, reason := range sortedKeys(s.Corpus.Refused) {
		fmt.Fprintf(&b, " + %d %s", s.Corpus.Refused[reason], reason)
	}
	fmt.Fprintf(&b, " in %.1f s; %d questions\n", s.IngestSeconds, s.Questions)
	for _, g := range s.Gains {
		fmt.Fprintf(&b, "hybrid over %s: %+.4f (%+.3f to %+.3f)\n", g.Over, g.Difference.Mean, g.Difference.Low, g.Difference.High)
	}
	for _, m := range s.Modes {
		if m.Degraded > 0 {
			fmt.Fprintf(&b, "%s: %d searches left out a stage\n", m.Mode, m.Degraded)
		}
		if m.Run != "" {
			fmt.Fprintf(&b, "%s run: %s\n", m.Mode, m.Run)
		}
	}
	for _, bad := range s.Malformed[:min(len(s.Malformed), mostMalformed)] {
		fmt.Fprintf(&b, "left out %s\n", bad)
	}
	if more := len(s.Malformed) - mostMalformed; more > 0 {
		fmt.Fprintf(&b, "left out %d more lines\n", more)
	}
	if s.Answers != nil {
		s.Answers.write(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (a *AnswersReport) write(b *strings.Builder) {
	fmt.Fprintf(b, "answers: %d questions, %.1f %% answered, p50 %.1f ms, p99 %.1f ms\n", a.Questions, 100*a.Answered, a.P50MS, a.P99MS)
	fmt.Fprintf(b, "  best sentence holds the answer: %.1f %% of all (%.1f to %.1f), %.1f %% of those answered\n",
		100*a.Best.Mean, 100*a.Best.Low, 100*a.Best.High, 100*a.BestOfAnswered)
	fmt.Fprintf(b, "  any sentence holds the answer: %.1f %% of all (%.1f to %.1f)\n", 100*a.Any.Mean, 100*a.Any.Low, 100*a.Any.High)
	for _, s := range a.Against {
		fmt.Fprintf(b, "  against %d %s questions: AUROC of the confidence %.4f, %.1f %% abstained\n", s.Questions, s.Name, s.AUROC, 100*s.Abstained)
	}
	fmt.Fprintf(b, "  confidence, and how often the best sentence held the answer:")
	for _, bin := range a.Calibration {
		if bin.Questions > 0 {
			fmt.Fprintf(b, " %.2f→%.2f (%d)", bin.Confidence, bin.Held, bin.Questions)
		}
	}
	fmt.Fprintf(b, "\n  %d quotes dropped, %d answers left out a stage\n", a.Dropped, a.Degraded)
}

func sortedKeys(m map[string]int) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
