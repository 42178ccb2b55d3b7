package measure

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"

	"github.com/quarry-search/quarry/internal/model"
)

// Depths are how many candidates of one question the latency of a reranker is
// measured at.
var Depths = []int{1, 10, 20, 50, 100}

// PairReport is what was measured of one cross-encoder on one machine.
type PairReport struct {
	Model        string `json:"model"`
	Fingerprint  string `json:"fingerprint"`
	Quantisation string `json:"quantisation"`
	CPU          string `json:"cpu"`
	Cores        int    `json:"cores"`
	Kernel       string `json:"kernel"`

	PairTokens        float64 `json:"pair_tokens"`          // of a pair, on average
	PairsPerCPUSecond float64 `json:"pairs_per_cpu_second"` // 50 of one question at a time
	TokensPerCPU      float64 `json:"tokens_per_cpu_second"`

	Questions []Latency `json:"questions"` // one per depth

	ResidentBytes int64 `json:"resident_bytes"`

	Agreement *ScoreDifference `json:"int8_against_f32,omitempty"`
}

// Latency is how long one question with so many candidates takes, on all
// cores.
type Latency struct {
	Depth int     `json:"depth"`
	P50   float64 `json:"p50_ms"`
	P99   float64 `json:"p99_ms"`
}

// ScoreDifference is how two forms of one cross-encoder agree: in scores
// between 0 and 1, label by label.
type ScoreDifference struct {
	Mean  float64 `json:"mean_difference"`
	Worst float64 `json:"worst_difference"`
	Pairs int     `json:"pairs"`
}

// Pairs measures a cross-encoder on the built-in passages.
func Pairs(ctx context.Context, m *model.Model, o Options) (PairReport, error) {
	i := m.Info()
	r := PairReport{
		Model: i.Name, Fingerprint: i.Fingerprint, Quantisation: i.Quantisation, CPU: CPU(), Cores: runtime.GOMAXPROCS(0), Kernel: i.Kernel,
	}
	passages := Passages()
	for _, p := range passages {
		r.PairTokens += float64(min(i.MaxTokens, m.CountTokens(query)+m.CountTokens(p)+3)) / float64(len(passages))
	}
	ask := func(depth int) error {
		candidates := make([]string, depth)
		for n := range candidates {
			candidates[n] = passages[n%len(passages)]
		}
		_, err := m.Score(ctx, query, candidates)
		return err
	}
	if err := ask(2); err != nil { // warm
		return r, err
	}
	depths := Depths
	if o.Brief {
		depths = []int{50}
	}
	for _, depth := range depths {
		var took []float64
		for began := time.Now(); len(took) == 0 || time.Since(began) < o.Each; {
			start, cpu := time.Now(), cpuTime()
			if err := ask(depth); err != nil {
				return r, err
			}
			took = append(took, float64(time.Since(start).Nanoseconds())/1e6)
			if spent := (cpuTime() - cpu).Seconds(); depth == 50 && spent > 0 {
				r.PairsPerCPUSecond = max(r.PairsPerCPUSecond, float64(depth)/spent)
			}
		}
		slices.Sort(took)
		r.Questions = append(r.Questions, Latency{depth, percentile(took, 0.50), percentile(took, 0.99)})
	}
	r.TokensPerCPU = r.PairsPerCPUSecond * r.PairTokens
	runtime.GC()
	r.ResidentBytes = ResidentBytes()
	return r, nil
}

// ScoreAgreement scores the built-in sentences as passages of several
// questions with both models.
func ScoreAgreement(ctx context.Context, a, b *model.Model) (ScoreDifference, error) {
	var out ScoreDifference
	texts := Sentences()
	for _, q := range []string{query, texts[0], texts[1]} {
		x, err := a.Score(ctx, q, texts)
		if err != nil {
			return out, fmt.Errorf("score: %w", err)
		}
		y, err := b.Score(ctx, q, texts)
		if err != nil {
			return out, fmt.Errorf("score: %w", err)
		}
		for i := range x {
			if len(x[i]) != len(y[i]) {
				return out, fmt.Errorf("compare: %d and %d labels", len(x[i]), len(y[i]))
			}
			for l := range x[i] {
				d := math.Abs(logistic(x[i][l]) - logistic(y[i][l]))
				out.Worst = max(out.Worst, d)
				out.Mean += d / float64(len(x[i]))
			}
			out.Pairs++
		}
	}
	out.Mean /= float64(out.Pairs)
	return out, nil
}

func logistic(v float32) float64 { return 1 / (1 + math.Exp(-float64(v))) }
