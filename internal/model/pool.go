package model

import (
	"fmt"
	"math"
	"strings"

	"github.com/quarry-search/quarry/internal/model/kernel"
)

// Dense is a layer between pooling and the vector, as sentence-transformers
// has them: distiluse, LaBSE.
type Dense struct {
	Folder     string `json:"-"` // of its files, while it is converted
	In         int    `json:"in"`
	Out        int    `json:"out"`
	Bias       bool   `json:"-"`
	Activation string `json:"activation"` // "tanh", "identity", "relu", "gelu", "silu"
}

// vector turns the n rows of one sequence into a unit vector.
func (m *Model) vector(x []float32, width, n int) []float32 {
	v := m.pool(x, width, n)
	for i, d := range m.spec.Dense {
		v = m.project(m.dense[i], v, d)
	}
	if m.spec.Dim < len(v) {
		if t := m.spec.Matryoshka; t != nil && t.Centre {
			centre(v)
		}
		v = v[:m.spec.Dim:m.spec.Dim]
	}
	unit(v)
	return v
}

// pool makes one row of a sequence's n. Without a layer after it, the length
// of the result means nothing, and a mean is left a sum.
func (m *Model) pool(x []float32, width, n int) []float32 {
	v := make([]float32, m.spec.Hidden)
	switch m.spec.Pooling {
	case "cls":
		copy(v, x)
	case "last":
		copy(v, x[(n-1)*width:])
	case "max":
		copy(v, x)
		for i := 1; i < n; i++ {
			for d, f := range x[i*width : i*width+len(v)] {
				v[d] = max(v[d], f)
			}
		}
	default:
		for i := range n {
			for d, f := range x[i*width : i*width+len(v)] {
				v[d] += f
			}
		}
		if len(m.spec.Dense) > 0 {
			for d := range v {
				v[d] /= float32(n)
			}
		}
	}
	return v
}

// project applies one dense layer to a row.
func (m *Model) project(w *kernel.F32, v []float32, d Dense) []float32 {
	in, out := make([]float32, w.K), make([]float32, w.N)
	copy(in, v)
	m.kernels.MulF32(w, in, w.K, 1, out, w.N, kernel.Width)
	activate(m.kernels, d.Activation, out)
	return out[:d.Out]
}

// activationName is the runtime's name of one of transformers' activations;
// an unknown one stays, and is refused by Spec.validate.
func activationName(name string) string {
	switch strings.ToLower(name) {
	case "gelu_new", "gelu_fast", "gelu_pytorch_tanh", "gelu_python_tanh", "gelu_accurate":
		return "gelu_tanh"
	case "gelu_python":
		return "gelu"
	case "swish":
		return "silu"
	}
	return name
}

// activate applies an activation that validate let through. The length of x is
// a multiple of kernel.Step.
func activate(k *kernel.Set, name string, x []float32) {
	switch name {
	case "gelu":
		k.GELU(x)
	case "gelu_tanh":
		k.GELUTanh(x)
	case "silu":
		k.SiLU(x)
	case "relu":
		k.ReLU(x)
	case "tanh":
		for i, f := range x {
			x[i] = float32(math.Tanh(float64(f)))
		}
	case "identity":
	default:
		panic(fmt.Sprintf("model: activation %q", name))
	}
}

// unit scales v to unit length; the zero vector stays.
func unit(v []float32) {
	sum := 0.0
	for _, f := range v {
		sum += float64(float64(f) * float64(f)) // not fused: CPUs agree
	}
	if sum > 0 {
		inv := float32(1 / math.Sqrt(sum))
		for d := range v {
			v[d] *= inv
		}
	}
}
