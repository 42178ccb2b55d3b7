package kernel

import "fmt"

// Width is how many columns a panel of a packed matrix has.
const Width = 32

// Step is what lengths of rows must be a multiple of, except where a method
// says otherwise.
const Step = 16

// Set is one implementation of every kernel. The zero Set is not usable; sets
// come from Best, Scalar and Available.
type Set struct {
	name      string
	actBytes  int // bytes of one quantised activation
	blockRows int

	// One panel of Width columns times m rows.
	panelF32 func(m, k int, a []float32, lda int, b, c []float32, ldc int, bias, rscale []float32)
	panelI8  func(m, k int, q []byte, panel []int8, c []float32, ldc int, e epilogue)

	// The same of 16-bit floats; nil where the CPU has no such product.
	panelBF16 func(m, k int, a, panel []uint16, c []float32, ldc int, bias []float32)
	roundBF16 func(x []float32, h []uint16)

	minMax    func(x []float32) (lo, hi float32)
	quantise  func(x []float32, q []byte, inv float32, zp int32)
	softmax   func(x []float32, stride, rows, n int, inv []float32)
	gelu      func(x []float32)
	silu      func(x []float32)
	mul       func(x, y []float32)
	layerNorm func(x, y, gamma, beta []float32, eps float32)
}

// epilogue turns the integer sums of a panel into floats.
type epilogue struct {
	colsum       []int32   // Width sums of a column's weights
	cscale, bias []float32 // Width
	rscale       []float32 // one per row
	nzp          []int32   // one per row: minus its zero point
}

// Name is "amx", "avx512_vnni", "avx2", "neon" or "scalar".
func (s *Set) Name() string { return s.name }

// BlockRows is how many rows a caller best takes through a chain of products
// at a time: enough to use each weight often and to fill whole tiles, few
// enough that activations stay in the cache.
func (s *Set) BlockRows() int { return s.blockRows }

// Best returns the fastest set that this CPU can run.
func Best() *Set { return Available()[0] }

// Scalar returns the reference set.
func Scalar() *Set { return &scalarSet }

// Available returns the sets that this CPU can run, fastest first; the last
// is always Scalar.
func Available() []*Set { return append(native(), &scalarSet) }

// ByName returns a set of Available.
func ByName(name string) (*Set, error) {
	for _, s := range Available() {
		if s.name == name {
			return s, nil
		}
	}
	return nil, fmt.Errorf("kernel %q is not available on this CPU", name)
}

// Softmax replaces each of rows rows of x, stride floats apart and n long (a
// multiple of Step), by 2^(x − its greatest), and writes one over each row's
// sum to inv: a row times its inv is the softmax of x·ln 2. Differences under
// −126 count as −126, that is as good as nothing.
func (s *Set) Softmax(x []float32, stride, rows, n int, inv []float32) {
	if rows == 0 {
		return
	}
	_, _ = x[(rows-1)*stride+n-1], inv[rows-1]
	checkStep(n)
	s.softmax(x, stride, rows, n, inv)
}

// GELU replaces each x by x·Φ(x), to 4e-7. The length is a multiple of Step.
func (s *Set) GELU(x []float32) {
	checkStep(len(x))
	s.gelu(x)
}

// SiLU replaces each x by x/(1 + e^−x). The length is a multiple of Step.
func (s *Set) SiLU(x []float32) {
	checkStep(len(x))
	s.silu(x)
}

// GELUTanh replaces each x by its GELU in the form with tanh, which is
// x·σ(2√(2/π)·(x + 0.044715·x³)). The length is a multiple of Step.
func (s *Set) GELUTanh(x []float32) {
	checkStep(len(x))
	// With f(x) = 2√(2/π)·(1 + 0.044715·x²), the argument of σ is z = x·f, so
	// that x·σ(z) = SiLU(z)/f. The conversions forbid fusing: CPUs agree.
	var factors [16 * Step]float32
	for len(x) > 0 {
		part := x[:min(len(x), len(factors))]
		for i, v := range part {
			f := float32(float32(float32(v*v)*0.07135481282) + 1.5957691216)
			factors[i] = f
			part[i] = v * f
		}
		s.silu(part)
		for i := range part {
			part[i] /= factors[i]
		}
		x = x[len(part):]
	}
}

// ReLU replaces what is negative by 0.
func (s *Set) ReLU(x []float32) {
	for i, v := range x {
		x[i] = max(v, 0)
	}
}

// Mul multiplies each x by the y at its place. The length is a multiple of
// Step.
func (s *Set) Mul(x, y []float32) {
	checkStep(len(x))
	s.mul(x, y[:len(x)])
}

// LayerNorm sets x to the layer normalisation of x + y. All have the same
// length, of any size (multiples of Step are fast).
func (s *Set) LayerNorm(x, y, gamma, beta []float32, eps float32) {
	n := len(x)
	if n%Step != 0 || n == 0 {
		layerNormScalar(x, y[:n], gamma[:n], beta[:n], eps)
		return
	}
	s.layerNorm(x, y[:n], gamma[:n], beta[:n], eps)
}

func checkStep(n int) {
	if n == 0 || n%Step != 0 {
		panic(fmt.Sprintf("kernel: length %d is not a positive multiple of %d", n, Step))
	}
}
