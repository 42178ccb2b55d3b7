package kernel

import "math"

var scalarSet = Set{
	name: "scalar", actBytes: 1, blockRows: 48,
	panelF32: panelF32Scalar, panelI8: panelI8Scalar,
	minMax: minMaxScalar, quantise: quantiseScalar,
	softmax: softmaxScalar, gelu: geluScalar, silu: siluScalar, mul: mulScalar, layerNorm: layerNormScalar,
}

func panelF32Scalar(m, k int, a []float32, lda int, b, c []float32, ldc int, bias, rscale []float32) {
	for i := range m {
		out := c[i*ldc : i*ldc+Width]
		if bias != nil {
			copy(out, bias[:Width])
		}
		for j, v := range a[i*lda : i*lda+k] {
			for n, w := range b[j*Width : (j+1)*Width] {
				out[n] = fma(v, w, out[n])
			}
		}
		if rscale != nil {
			for n := range out {
				out[n] *= rscale[i]
			}
		}
	}
}

func panelI8Scalar(m, k int, q []byte, panel []int8, c []float32, ldc int, e epilogue) {
	for i := range m {
		var acc [Width]int32
		for n := range acc {
			acc[n] = e.nzp[i] * e.colsum[n]
		}
		row := q[i*k : (i+1)*k]
		for j := 0; j < k; j += 4 {
			a0, a1, a2, a3 := int32(row[j]), int32(row[j+1]), int32(row[j+2]), int32(row[j+3])
			p := panel[j*Width : (j+4)*Width]
			for n := range acc {
				w := p[4*n : 4*n+4]
				acc[n] += a0*int32(w[0]) + a1*int32(w[1]) + a2*int32(w[2]) + a3*int32(w[3])
			}
		}
		out := c[i*ldc : i*ldc+Width]
		for n := range out {
			out[n] = fma(float32(acc[n])*e.rscale[i], e.cscale[n], e.bias[n])
		}
	}
}

func minMaxScalar(x []float32) (lo, hi float32) {
	for _, v := range x {
		lo, hi = min(lo, v), max(hi, v)
	}
	return lo, hi
}

func roundEven(v float32) float32 { return float32(math.RoundToEven(float64(v))) }

func quantiseScalar(x []float32, q []byte, inv float32, zp int32) {
	for i, v := range x {
		q[i] = byte(min(255, max(0, int32(roundEven(v*inv))+zp)))
	}
}

// fma is x·y + z with one rounding, as the vector sets compute it. The
// product of two 32-bit floats is exact in 64 bits; only the sum's second
// rounding can differ from a fused operation, about once in 10⁹.
func fma(x, y, z float32) float32 { return float32(float64(x)*float64(y) + float64(z)) }

// lanes adds up as the vector sets do: 16 sums side by side, then folded.
type lanes [16]float32

func (l *lanes) fold() float32 {
	for w := 8; w > 0; w /= 2 {
		for i := range w {
			l[i] += l[i+w]
		}
	}
	return l[0]
}

// exp2 is 2^x for x from −126 to 126: a minimax polynomial on [0, 1), relative
// error 8e-8.
func exp2(x float32) float32 {
	x = max(x, -126)
	n := float32(math.Floor(float64(x)))
	r := x - n
	p := float32(0.0018775766948238015)
	p = fma(p, r, 0.00898933969438076)
	p = fma(p, r, 0.05582631751894951)
	p = fma(p, r, 0.24015361070632935)
	p = fma(p, r, 0.6931530833244324)
	p = fma(p, r, 0.9999999403953552)
	return math.Float32frombits(math.Float32bits(p) + uint32(int32(n))<<23)
}

func softmaxScalar(x []float32, stride, rows, n int, inv []float32) {
	for r := range rows {
		row := x[r*stride : r*stride+n]
		top := row[0]
		for _, v := range row {
			top = max(top, v)
		}
		var sum lanes
		for i, v := range row {
			e := exp2(v - top)
			row[i] = e
			sum[i%16] += e
		}
		inv[r] = 1 / sum.fold()
	}
}

// geluScalar is x/2·(1 + erf(x/√2)) with a rational erf, absolute error 4e-7.
func geluScalar(x []float32) {
	for i, v := range x {
		z := min(4, max(-4, v*0.70710678118654752))
		s := z * z
		p := float32(-2.72614225801306e-10)
		p = fma(p, s, 2.77068142495902e-08)
		p = fma(p, s, -2.10102402082508e-06)
		p = fma(p, s, -5.69250639462346e-05)
		p = fma(p, s, -7.34990630326855e-04)
		p = fma(p, s, -2.95459980854025e-03)
		p = fma(p, s, -1.60960333262415e-02)
		q := float32(-1.45660718464996e-05)
		q = fma(q, s, -2.13374055278905e-04)
		q = fma(q, s, -1.68282697438203e-03)
		q = fma(q, s, -7.37332916720468e-03)
		q = fma(q, s, -1.42647390514189e-02)
		h := v * 0.5
		x[i] = fma(p*z/q, h, h)
	}
}

func siluScalar(x []float32) {
	for i, v := range x {
		x[i] = v / (1 + exp2(min(126, v*-1.4426950408889634)))
	}
}

func mulScalar(x, y []float32) {
	for i, v := range y {
		x[i] *= v
	}
}

func layerNormScalar(x, y, gamma, beta []float32, eps float32) {
	invN := 1 / float32(len(x))
	var sum, squares lanes
	for i := range x {
		x[i] += y[i]
		sum[i%16] += x[i]
	}
	// Conversions keep the compiler from fusing a product with a sum.
	mean := float32(sum.fold() * invN)
	for i, v := range x {
		squares[i%16] = fma(v-mean, v-mean, squares[i%16])
	}
	variance := float32(squares.fold()*invN) + eps
	inv := 1 / float32(math.Sqrt(float64(variance)))
	for i, v := range x {
		x[i] = fma((v-mean)*inv, gamma[i], beta[i])
	}
}
