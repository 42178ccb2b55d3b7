package quant

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestLiftKeepsOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, metric := range []Metric{Cosine, Dot, L2} {
		for _, dim := range []int{3, 64, 385} {
			vectors := make([][]float32, 60)
			centre := make([]float32, dim)
			for i := range centre {
				centre[i] = float32(r.NormFloat64())
			}
			l := Lift{Metric: metric, Centre: centre}
			for i := range vectors {
				vectors[i] = unit(r, dim)
				if metric != Cosine {
					scaleTo(vectors[i], float32(0.5+2*r.Float64()))
				}
				offset := make([]float32, dim)
				l.offset(offset, vectors[i], 1)
				l.Longest = max(l.Longest, float32(math.Sqrt(float64(Squared(offset)))))
			}
			q := unit(r, dim)
			lifted := func(v []float32) []float32 {
				out := make([]float32, l.LiftedDim(dim))
				l.Vector(out, v)
				if n := Squared(out); math.Abs(float64(n)-1) > 1e-4 {
					t.Fatalf("metric %d: a lifted vector has the squared length %v", metric, n)
				}
				return out
			}
			lq := make([]float32, l.LiftedDim(dim))
			l.Query(lq, q)
			for _, a := range vectors {
				for _, b := range vectors {
					want := trueScore(metric, q, a) - trueScore(metric, q, b)
					got := dot(lq, lifted(a)) - dot(lq, lifted(b))
					if math.Abs(want) > 1e-3 && want*got < 0 {
						t.Fatalf("metric %d, dim %d: true difference %v, lifted %v", metric, dim, want, got)
					}
				}
			}
		}
	}
}

func trueScore(m Metric, q, x []float32) float64 {
	if m != L2 {
		return dot(q, x)
	}
	var s float64
	for i := range q {
		d := float64(q[i]) - float64(x[i])
		s -= d * d
	}
	return s
}

func TestLiftOfNothing(t *testing.T) {
	for _, metric := range []Metric{Cosine, Dot, L2} {
		l := Lift{Metric: metric, Centre: make([]float32, 4)}
		out := make([]float32, l.LiftedDim(4))
		l.Vector(out, make([]float32, 4))
		l.Query(out, make([]float32, 4))
		for _, x := range out {
			if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
				t.Errorf("metric %d: %v", metric, out)
			}
		}
	}
}
