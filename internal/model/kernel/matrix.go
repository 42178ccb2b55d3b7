package kernel

// F32 is a matrix of K rows and N columns in panels of Width columns, K·Width
// floats each; N is a multiple of Width.
type F32 struct {
	K, N   int
	Panels []float32
	Bias   []float32 // N
}

// PackF32 packs w, rows outputs of k inputs each (the layout of a linear
// layer), padding outputs to a multiple of Width and inputs to kPad with
// zeros.
func PackF32(w []float32, rows, k, kPad int) []float32 {
	n := RoundUp(rows, Width)
	p := make([]float32, n*kPad)
	for r := range rows {
		base := r / Width * Width * kPad
		for i, v := range w[r*k : (r+1)*k] {
			p[base+i*Width+r%Width] = v
		}
	}
	return p
}

// I8 is a matrix of signed bytes in panels of Width columns; within a panel,
// four rows of K lie together for each column. K is a multiple of 4 and N of
// Width.
type I8 struct {
	K, N   int
	Panels []int8
	ColSum []int32   // N: sum of each column
	Scale  []float32 // N: what one unit of a column is worth
	Bias   []float32 // N
}

// PackI8 packs q, rows outputs of k inputs each, as PackF32 does.
func PackI8(q []int8, rows, k, kPad int) []int8 {
	n := RoundUp(rows, Width)
	p := make([]int8, n*kPad)
	for r := range rows {
		base := r/Width*Width*kPad + r%Width*4
		for i, v := range q[r*k : (r+1)*k] {
			p[base+i/4*(4*Width)+i%4] = v
		}
	}
	return p
}

// ColumnSums adds up each column of packed bytes.
func ColumnSums(panels []int8, k, n int) []int32 {
	sums := make([]int32, n)
	for c := range sums {
		p := panels[c/Width*Width*k+c%Width*4:]
		for i := 0; i < k; i += 4 {
			q := p[i*Width : i*Width+4]
			sums[c] += int32(q[0]) + int32(q[1]) + int32(q[2]) + int32(q[3])
		}
	}
	return sums
}

// RoundUp returns the least multiple of step that is not under n.
func RoundUp(n, step int) int { return (n + step - 1) / step * step }

// Rows holds quantised activations: each row has its own scale and zero
// point. It belongs to the set that filled it.
type Rows struct {
	k     int
	q     []byte
	scale []float32
	nzp   []int32
}

// Quantise fills r with rows rows of x, k long (a multiple of Step) and
// stride floats apart, as unsigned bytes over each row's own range.
func (s *Set) Quantise(r *Rows, x []float32, stride, rows, k int) {
	checkStep(k)
	r.k = k
	// Tiles read whole blocks of 32 rows.
	r.q = resize(r.q, RoundUp(rows, 32)*k*s.actBytes)
	r.scale = resize(r.scale, rows)
	r.nzp = resize(r.nzp, rows)
	for i := range rows {
		row := x[i*stride : i*stride+k]
		lo, hi := s.minMax(row)
		span := hi - lo
		if !(span > 1e-30) {
			span = 1e-30
		}
		inv := 255 / span
		zp := int32(roundEven(-lo * inv))
		r.scale[i] = span / 255
		r.nzp[i] = -zp
		s.quantise(row, r.q[i*k*s.actBytes:(i+1)*k*s.actBytes], inv, zp)
	}
}

// productRows is how many rows a panel is multiplied with before the next.
const productRows = 96

// MulI8 writes the first rows rows of r times w, with bias, to c: column n of
// row i at c[n/Width·panel + i·ldc + n%Width]. A row-major result has panel =
// Width.
func (s *Set) MulI8(w *I8, r *Rows, rows int, c []float32, ldc, panel int) {
	if w.K != r.k {
		panic("kernel: rows and matrix differ in depth")
	}
	rowBytes := r.k * s.actBytes
	for m0 := 0; m0 < rows; m0 += productRows {
		m := min(productRows, rows-m0)
		for n := 0; n < w.N; n += Width {
			s.panelI8(m, w.K, r.q[m0*rowBytes:(m0+m)*rowBytes], w.Panels[n*w.K:(n+Width)*w.K],
				c[n/Width*panel+m0*ldc:], ldc, epilogue{
					colsum: w.ColSum[n : n+Width], cscale: w.Scale[n : n+Width], bias: w.Bias[n : n+Width],
					rscale: r.scale[m0 : m0+m], nzp: r.nzp[m0 : m0+m],
				})
		}
	}
}

// MulF32 writes rows rows of a, stride lda, times w, with bias, to c as MulI8
// does.
func (s *Set) MulF32(w *F32, a []float32, lda, rows int, c []float32, ldc, panel int) {
	const depth = 384
	for k0 := 0; k0 < w.K; k0 += depth {
		k := min(depth, w.K-k0)
		for m0 := 0; m0 < rows; m0 += productRows {
			m := min(productRows, rows-m0)
			for n := 0; n < w.N; n += Width {
				var bias []float32
				if k0 == 0 {
					bias = w.Bias[n : n+Width]
				}
				s.PanelF32(m, k, a[m0*lda+k0:], lda, w.Panels[n*w.K+k0*Width:], c[n/Width*panel+m0*ldc:], ldc, bias, nil)
			}
		}
	}
}

// PanelF32 multiplies m rows of a, k long and lda apart, by one panel of k
// rows: c = (a·b + bias)·rscale. Without bias it adds to c; without rscale it
// does not scale.
func (s *Set) PanelF32(m, k int, a []float32, lda int, b, c []float32, ldc int, bias, rscale []float32) {
	if m == 0 || k == 0 {
		return
	}
	_, _, _ = a[(m-1)*lda+k-1], b[k*Width-1], c[(m-1)*ldc+Width-1]
	if bias != nil {
		_ = bias[Width-1]
	}
	if rscale != nil {
		_ = rscale[m-1]
	}
	s.panelF32(m, k, a, lda, b, c, ldc, bias, rscale)
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
