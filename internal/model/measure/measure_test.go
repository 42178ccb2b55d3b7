package measure

import (
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/quarry-search/quarry/internal/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The reference scripts read the texts of the model's own tests.
func TestTextsAreThoseOfTheReference(t *testing.T) {
	raw, err := os.ReadFile("../testdata/sentences.txt")
	if err != nil {
		t.Fatal(err)
	}
	if string(raw) != texts {
		t.Error("texts.txt and testdata/sentences.txt differ")
	}
	if n := len(Passages()); n != 32 {
		t.Errorf("%d passages", n)
	}
}

func TestSpeedFillsTheReport(t *testing.T) {
	m, err := model.Open("../testdata/arch/bert")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Speed(t.Context(), m, Options{Each: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]float64{
		"query p50": r.QueryP50, "query p99": r.QueryP99, "passage tokens": r.PassageTokens, "cores": r.CoresRatio,
		"concurrent": r.ConcurrentRatio, "loaded": r.LoadedP99, "loaded ratio": r.LoadedRatio,
	} {
		if v <= 0 {
			t.Errorf("%s: %v", name, v)
		}
	}
	if r.QueryP99 < r.QueryP50 || r.CPU == "" || r.Kernel == "" || r.Fingerprint != m.Info().Fingerprint {
		t.Errorf("report %+v", r)
	}
	reranker, err := model.Open("../testdata/arch/bert-reranker")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Speed(t.Context(), reranker, Options{}); err == nil {
		t.Error("a reranker was measured as an encoder")
	}
}

func TestPairsFillTheReport(t *testing.T) {
	m, err := model.Open("../testdata/arch/bert-reranker")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Pairs(t.Context(), m, Options{Each: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if r.PairTokens <= 0 || r.CPU == "" || r.Fingerprint != m.Info().Fingerprint || len(r.Questions) != len(Depths) {
		t.Errorf("report %+v", r)
	}
	for _, q := range r.Questions {
		if q.P50 <= 0 || q.P99 < q.P50 {
			t.Errorf("%+v", q)
		}
	}
	d, err := ScoreAgreement(t.Context(), m, m)
	if err != nil || d.Worst != 0 || d.Pairs != 3*len(Sentences()) {
		t.Errorf("a model with itself: %+v, %v", d, err)
	}
	other, err := model.Open("../testdata/arch/xlm-roberta-reranker")
	if err != nil {
		t.Fatal(err)
	}
	if d, err := ScoreAgreement(t.Context(), m, other); err != nil || d.Worst == 0 {
		t.Errorf("two models agree: %+v, %v", d, err)
	}
	encoder, err := model.Open("../testdata/arch/bert")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Pairs(t.Context(), encoder, Options{}); err == nil {
		t.Error("an encoder was measured as a reranker")
	}
}

func TestAgreement(t *testing.T) {
	m, err := model.Open("../testdata/arch/bert")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Agreement(t.Context(), m, m)
	if err != nil || c.Mean < 0.99999 || c.Worst < 0.99999 || c.Texts != 2*(len(Sentences())+4) {
		t.Errorf("a model with itself: %+v, %v", c, err)
	}
	other, err := model.Open("../testdata/arch/mpnet")
	if err != nil {
		t.Fatal(err)
	}
	if c, err := Agreement(t.Context(), m, other); err == nil && c.Mean > 0.9 {
		t.Errorf("two models agree: %+v", c)
	}
}
