package kernel

import "math"

var scalarSet = Set{
	name: "scalar", actBytes: 1,
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
				out[n] += v * w
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
			out[n] = float32(acc[n])*e.rscale[i]*e.cscale[n] + e.bias[n]
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

func softmaxScalar(x []float32, stride, rows, n int, inv []float32) {
	for r := range rows {
		row := x[r*stride : r*stride+n]
		top := row[0]
		for _, v := range row {
			top = max(top, v)
		}
		sum := float32(0)
		for i, v := range row {
			e := float32(math.Exp2(float64(max(v-top, -126))))
			row[i] = e
			sum += e
		}
		inv[r] = 1 / sum
	}
}

func geluScalar(x []float32) {
	for i, v := range x {
		f := float64(v)
		x[i] = float32(f / 2 * (1 + math.Erf(f/math.Sqrt2)))
	}
}

func siluScalar(x []float32) {
	for i, v := range x {
		x[i] = float32(float64(v) / (1 + math.Exp(-float64(v))))
	}
}

func mulScalar(x, y []float32) {
	for i, v := range y {
		x[i] *= v
	}
}

func layerNormScalar(x, y, gamma, beta []float32, eps float32) {
	sum := float32(0)
	for i := range x {
		x[i] += y[i]
		sum += x[i]
	}
	mean := sum / float32(len(x))
	sum = 0
	for _, v := range x {
		sum += (v - mean) * (v - mean)
	}
	inv := 1 / float32(math.Sqrt(float64(sum/float32(len(x))+eps)))
	for i, v := range x {
		x[i] = (v-mean)*inv*gamma[i] + beta[i]
	}
}
