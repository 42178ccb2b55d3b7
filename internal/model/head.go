package model

import "github.com/quarry-search/quarry/internal/model/kernel"

// head is what a cross-encoder has on top.
type head struct {
	dense, out *kernel.F32
	norm       norm
}

// logits returns the scores of one sequence whose n rows start at x.
func (m *Model) logits(x []float32, width, n int) []float32 {
	h, spec := m.spec.Head, &m.spec
	v := make([]float32, width)
	copy(v, x[:spec.Hidden])
	if h.Pooling == "mean" {
		for i := 1; i < n; i++ {
			for d, f := range x[i*width : i*width+spec.Hidden] {
				v[d] += f
			}
		}
		for d := range v {
			v[d] /= float32(n)
		}
	}
	mid := make([]float32, width)
	m.kernels.MulF32(m.head.dense, v, width, 1, mid, width, kernel.Width)
	activate(m.kernels, h.Activation, mid)
	if h.Norm {
		m.kernels.LayerNorm(mid[:spec.Hidden], m.zeros[:spec.Hidden], m.head.norm.gamma, m.head.norm.beta, float32(spec.Epsilon))
	}
	out := make([]float32, m.head.out.N)
	m.kernels.MulF32(m.head.out, mid, width, 1, out, m.head.out.N, kernel.Width)
	return out[:h.Labels]
}
