package eval

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// NDCGAt is the normalised discounted cumulative gain of the first k: gain is
// the grade, discount log2(rank+1), as trec_eval computes it (Järvelin and
// Kekäläinen, 2002). 0 when nothing is judged relevant.
func NDCGAt(k int, ranking []string, judged map[string]int) float64 {
	var got float64
	for i, id := range ranking[:min(k, len(ranking))] {
		got += float64(judged[id]) / math.Log2(float64(i)+2)
	}
	grades := make([]int, 0, len(judged))
	for _, g := range judged {
		grades = append(grades, g)
	}
	slices.SortFunc(grades, func(a, b int) int { return cmp.Compare(b, a) })
	var best float64
	for i, g := range grades[:min(k, len(grades))] {
		best += float64(g) / math.Log2(float64(i)+2)
	}
	if best == 0 {
		return 0
	}
	return got / best
}

// RecallAt is the share of the relevant documents among the first k.
func RecallAt(k int, ranking []string, judged map[string]int) float64 {
	if len(judged) == 0 {
		return 0
	}
	found := 0
	for _, id := range ranking[:min(k, len(ranking))] {
		if judged[id] > 0 {
			found++
		}
	}
	return float64(found) / float64(len(judged))
}

// MRR is the reciprocal rank of the first relevant document, 0 for none.
func MRR(ranking []string, judged map[string]int) float64 {
	for i, id := range ranking {
		if judged[id] > 0 {
			return 1 / float64(i+1)
		}
	}
	return 0
}

// AUROC is the probability that a positive scores above a negative; ties count
// half. 0 when either is missing.
func AUROC(positive, negative []float64) float64 {
	if len(positive) == 0 || len(negative) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(negative))
	var wins float64
	for _, p := range positive {
		below, _ := slices.BinarySearch(sorted, p)
		notAbove, _ := slices.BinarySearchFunc(sorted, p, func(n, p float64) int {
			if n > p {
				return 1
			}
			return -1
		})
		wins += float64(below) + float64(notAbove-below)/2
	}
	return wins / float64(len(positive)) / float64(len(negative))
}

// Interval is a mean with its 95 % bootstrap interval.
type Interval struct {
	Mean float64 `json:"mean"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// resamples of a bootstrap: enough for two digits of a 95 % interval.
const resamples = 2000

// Bootstrap returns the mean of values with its interval: percentiles of the
// means of resamples drawn with replacement (Efron, 1979). Equal input gives
// equal output.
func Bootstrap(values []float64) Interval {
	if len(values) == 0 {
		return Interval{}
	}
	random := rand.New(rand.NewPCG(1, uint64(len(values))))
	means := make([]float64, resamples)
	for i := range means {
		for range values {
			means[i] += values[random.IntN(len(values))]
		}
		means[i] /= float64(len(values))
	}
	slices.Sort(means)
	return Interval{Mean: mean(values), Low: means[resamples/40], High: means[resamples-1-resamples/40]}
}

// PairedBootstrap returns the mean of a-b, question by question, with its
// interval. An interval that holds 0 is no difference.
func PairedBootstrap(a, b []float64) Interval {
	differences := make([]float64, min(len(a), len(b)))
	for i := range differences {
		differences[i] = a[i] - b[i]
	}
	return Bootstrap(differences)
}

func mean(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(max(len(values), 1))
}
