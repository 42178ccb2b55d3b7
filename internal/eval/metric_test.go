package eval

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	_ "github.com/quarry-search/quarry/internal/rapidseed"
)

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

func TestMetricsByHand(t *testing.T) {
	ranking := []string{"a", "b", "c", "d"}
	judged := map[string]int{"b": 2, "d": 1, "z": 1}
	ideal := 2 + 1/math.Log2(3) + 1/math.Log2(4)
	if got, want := NDCGAt(10, ranking, judged), (2/math.Log2(3)+1/math.Log2(5))/ideal; !near(got, want) {
		t.Errorf("nDCG@10 %v, want %v", got, want)
	}
	if got, want := NDCGAt(2, ranking, judged), 2/math.Log2(3)/(2+1/math.Log2(3)); !near(got, want) {
		t.Errorf("nDCG@2 %v, want %v", got, want)
	}
	if got := RecallAt(2, ranking, judged); !near(got, 1.0/3) {
		t.Errorf("recall@2 %v", got)
	}
	if got := MRR(ranking, judged); got != 0.5 {
		t.Errorf("MRR %v", got)
	}
	for name, got := range map[string]float64{
		"ndcg": NDCGAt(10, nil, judged), "ndcg unjudged": NDCGAt(10, ranking, nil), "recall": RecallAt(10, ranking, nil),
		"mrr": MRR(nil, judged), "auroc": AUROC(nil, []float64{1}),
	} {
		if got != 0 {
			t.Errorf("%s of nothing is %v", name, got)
		}
	}
}

// Each metric against the plainest form of its definition.
func TestMetricsAgainstReference(t *testing.T) {
	ids := []string{"a", "b", "c", "d", "e", "f", "g"}
	rapid.Check(t, func(t *rapid.T) {
		ranking := rapid.Permutation(ids).Draw(t, "ranking")[:rapid.IntRange(0, 7).Draw(t, "found")]
		judged := map[string]int{}
		for _, id := range ids {
			if g := rapid.IntRange(0, 3).Draw(t, "grade"); g > 0 {
				judged[id] = g
			}
		}
		k := rapid.IntRange(1, 9).Draw(t, "k")
		if got, want := NDCGAt(k, ranking, judged), naiveNDCG(k, ranking, judged, ids); !near(got, want) {
			t.Fatalf("nDCG@%d %v, want %v", k, got, want)
		}
		found, first := 0, 0.0
		for i, id := range ranking {
			if judged[id] > 0 && i < k {
				found++
			}
			if judged[id] > 0 && first == 0 {
				first = 1 / float64(i+1)
			}
		}
		if got := RecallAt(k, ranking, judged); len(judged) > 0 && !near(got*float64(len(judged)), float64(found)) {
			t.Fatalf("recall@%d %v, found %d", k, got, found)
		}
		if got := MRR(ranking, judged); got != first {
			t.Fatalf("MRR %v, want %v", got, first)
		}
	})
}

// naiveNDCG tries every grade from the highest down for the ideal ranking.
func naiveNDCG(k int, ranking []string, judged map[string]int, ids []string) float64 {
	dcg := func(grades []int) (sum float64) {
		for i := 0; i < k && i < len(grades); i++ {
			sum += float64(grades[i]) * math.Ln2 / math.Log(float64(i+2))
		}
		return sum
	}
	var got, ideal []int
	for _, id := range ranking {
		got = append(got, judged[id])
	}
	for g := 3; g > 0; g-- {
		for _, id := range ids {
			if judged[id] == g {
				ideal = append(ideal, g)
			}
		}
	}
	if len(ideal) == 0 {
		return 0
	}
	return dcg(got) / dcg(ideal)
}

func TestAUROCAgainstPairs(t *testing.T) {
	scores := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) float64 { return float64(rapid.IntRange(0, 6).Draw(t, "s")) }), 1, 20)
	rapid.Check(t, func(t *rapid.T) {
		p, n := scores.Draw(t, "positive"), scores.Draw(t, "negative")
		var wins float64
		for _, a := range p {
			for _, b := range n {
				switch {
				case a > b:
					wins++
				case a == b:
					wins += 0.5
				}
			}
		}
		if got, want := AUROC(p, n), wins/float64(len(p)*len(n)); !near(got, want) {
			t.Fatalf("AUROC %v, want %v", got, want)
		}
	})
}

func TestBootstrap(t *testing.T) {
	var a, b, c []float64
	for i := range 300 {
		a = append(a, float64(i%7))
		b = append(b, float64(i%7)+0.5) // always better
		c = append(c, float64((i*5+3)%7))
	}
	if got := PairedBootstrap(b, a); !near(got.Mean, 0.5) || !near(got.Low, 0.5) || !near(got.High, 0.5) {
		t.Errorf("a constant gain: %+v", got)
	}
	if got := PairedBootstrap(c, a); got.Low > 0 || got.High < 0 {
		t.Errorf("no gain: %+v", got)
	}
	got := Bootstrap(a)
	wide := 1.96 * 2 / math.Sqrt(300) // the standard deviation of 0..6 is 2
	if math.Abs((got.High-got.Low)/2-wide) > wide/5 {
		t.Errorf("interval %+v, half width should be near %.3f", got, wide)
	}
	if Bootstrap(a) != got {
		t.Error("equal input gave another interval")
	}
	if (Bootstrap(nil) != Interval{}) {
		t.Error("an interval of nothing")
	}
}
