package model

import (
	"math"

	"github.com/quarry-search/quarry/internal/model/kernel"
)

// rotary turns queries and keys by their position (RoPE, arXiv:2104.09864):
// element i of a head pairs with element i + half.
type rotary struct {
	half     int
	cos, sin []float32 // [position][half]
}

func newRotary(s *Spec, base float64) *rotary {
	if base == 0 {
		return nil
	}
	half := s.headDim() / 2
	r := &rotary{half: half, cos: make([]float32, s.MaxTokens*half), sin: make([]float32, s.MaxTokens*half)}
	for i := range half {
		step := float32(1 / math.Pow(base, float64(2*i)/float64(2*half)))
		for p := range s.MaxTokens {
			angle := float64(float32(p) * step)
			r.cos[p*half+i], r.sin[p*half+i] = float32(math.Cos(angle)), float32(math.Sin(angle))
		}
	}
	return r
}

// turn rotates n rows of a head in place. panel i of the head starts at
// panels(i).
func (r *rotary) turn(n int, panels func(i int) []float32) {
	const w = kernel.Width
	for i := range r.half {
		j := i + r.half
		a, b := panels(i / w)[i%w:], panels(j / w)[j%w:]
		for p := range n {
			c, s := r.cos[p*r.half+i], r.sin[p*r.half+i]
			x, y := a[p*w], b[p*w]
			// Conversions forbid fusing, so that all CPUs agree.
			a[p*w] = float32(x*c) - float32(y*s)
			b[p*w] = float32(y*c) + float32(x*s)
		}
	}
}

// relativeScores returns, per head, what is added to the score of a key that
// stands d after its query, at d + MaxTokens − 1 (T5's buckets,
// arXiv:1910.10683, as MPNet uses them).
func relativeScores(s *Spec, table []float32) [][]float32 {
	out := make([][]float32, s.Heads)
	if len(table) == 0 {
		return out
	}
	for h := range out {
		out[h] = make([]float32, 2*s.MaxTokens-1)
		for i := range out[h] {
			v := table[bucket(i-s.MaxTokens+1, s.Buckets)*s.Heads+h]
			out[h][i] = v * float32(math.Log2E)
		}
	}
	return out
}

func bucket(distance, buckets int) int {
	const farthest = 128
	half := buckets / 2
	first := 0
	if distance > 0 {
		first = half
	}
	n, exact := max(distance, -distance), half/2
	if n < exact {
		return first + n
	}
	f := float32(math.Log(float64(float32(n)/float32(exact)))) / float32(math.Log(farthest/float64(exact))) * float32(half-exact)
	return first + min(exact+int(f), half-1)
}
