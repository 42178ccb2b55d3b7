package kernel

import "math"

// BF16 is a matrix of 16-bit "brain" floats, the upper halves of 32-bit ones,
// in panels of Width columns; within a panel, two rows of K lie together for
// each column. K is a multiple of Step and N of Width.
type BF16 struct {
	K, N   int
	Panels []uint16
	Bias   []float32 // N
}

// Halves holds activations as BF16 products take them. It belongs to the set
// that filled it.
type Halves struct {
	k     int
	v     []uint16  // where the CPU multiplies them
	wide  []float32 // elsewhere: rounded, and widened again
	panel []float32 // a part of a panel, widened
}

// ToBF16 rounds to the nearest 16-bit float, ties to even. NaN stays NaN.
func ToBF16(v float32) uint16 {
	b := math.Float32bits(v)
	if v != v {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

// FromBF16 widens a 16-bit float.
func FromBF16(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// PackBF16 packs w, rows outputs of k inputs each, as PackF32 does.
func PackBF16(w []float32, rows, k, kPad int) []uint16 {
	p := make([]uint16, RoundUp(rows, Width)*kPad)
	for r := range rows {
		base := r/Width*Width*kPad + r%Width*2
		for i, v := range w[r*k : (r+1)*k] {
			p[base+i/2*(2*Width)+i%2] = ToBF16(v)
		}
	}
	return p
}

// HasBF16 reports whether the CPU multiplies 16-bit floats itself. Elsewhere
// the same numbers are multiplied as 32-bit ones, in another order: results
// agree to the rounding of 32-bit sums.
func (s *Set) HasBF16() bool { return s.panelBF16 != nil }

// Round fills h with rows rows of x, k long (a multiple of Step) and stride
// floats apart.
func (s *Set) Round(h *Halves, x []float32, stride, rows, k int) {
	checkStep(k)
	h.k = k
	if s.panelBF16 != nil {
		h.v = resize(h.v, RoundUp(rows, 32)*k) // tiles read whole blocks of 32 rows
		for i := range rows {
			s.roundBF16(x[i*stride:i*stride+k], h.v[i*k:(i+1)*k])
		}
		return
	}
	h.wide = resize(h.wide, rows*k)
	for i := range rows {
		for j, v := range x[i*stride : i*stride+k] {
			h.wide[i*k+j] = FromBF16(ToBF16(v))
		}
	}
}

// MulBF16 writes the first rows rows of h times w, with bias, to c as MulI8
// does.
func (s *Set) MulBF16(w *BF16, h *Halves, rows int, c []float32, ldc, panel int) {
	if w.K != h.k {
		panic("kernel: rows and matrix differ in depth")
	}
	if s.panelBF16 == nil {
		s.mulWidened(w, h, rows, c, ldc, panel)
		return
	}
	for m0 := 0; m0 < rows; m0 += productRows {
		m := min(productRows, rows-m0)
		for n := 0; n < w.N; n += Width {
			s.panelBF16(m, w.K, h.v[m0*w.K:], w.Panels[n*w.K:(n+Width)*w.K], c[n/Width*panel+m0*ldc:], ldc, w.Bias[n:n+Width])
		}
	}
}

// mulWidened multiplies as 32-bit floats, a part of a panel at a time, so that
// the matrix keeps its size in memory.
func (s *Set) mulWidened(w *BF16, h *Halves, rows int, c []float32, ldc, panel int) {
	const depth = 384
	h.panel = resize(h.panel, depth*Width)
	for n := 0; n < w.N; n += Width {
		for k0 := 0; k0 < w.K; k0 += depth {
			k := min(depth, w.K-k0)
			src := w.Panels[(n*w.K + k0*Width):][:k*Width]
			for j := 0; j < k; j += 2 {
				pair, low, high := src[j*Width:(j+2)*Width], h.panel[j*Width:(j+1)*Width], h.panel[(j+1)*Width:(j+2)*Width]
				for i := range low {
					low[i], high[i] = FromBF16(pair[2*i]), FromBF16(pair[2*i+1])
				}
			}
			var bias []float32
			if k0 == 0 {
				bias = w.Bias[n : n+Width]
			}
			s.PanelF32(rows, k, h.wide[k0:], w.K, h.panel, c[n/Width*panel:], ldc, bias, nil)
		}
	}
}
