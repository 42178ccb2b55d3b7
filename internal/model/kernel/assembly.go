//go:build amd64 || arm64

package kernel

import "unsafe"

// What the sets in assembly share: the shapes of their functions and the
// checks that keep them inside their slices.

type (
	f32Tile func(k int, a unsafe.Pointer, lda int, b, c unsafe.Pointer, ldc int, bias, rscale unsafe.Pointer)
	i8Tile  func(k int, a unsafe.Pointer, lda int, b, c unsafe.Pointer, ldc int, colsum, cscale, rscale, nzp, bias unsafe.Pointer)
)

func at[T any](s []T) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(s)) }

// tiles walks m rows in tiles of nearly equal height, at most most.
func tiles(m, most int, tile func(row, height int)) {
	n := (m + most - 1) / most
	for row := 0; n > 0; n-- {
		h := (m - row + n - 1) / n
		tile(row, h)
		row += h
	}
}

func offset(p unsafe.Pointer, bytes int) unsafe.Pointer {
	if p == nil {
		return nil
	}
	return unsafe.Add(p, bytes)
}

// checkPanel keeps the assembly inside its slices.
func checkPanel(m, k, q, panel, c, ldc int) {
	if k < 4 || k%4 != 0 || q < m*k || panel < k*Width || c < (m-1)*ldc+Width {
		panic("kernel: panel out of bounds")
	}
}

func minMaxWith(f func(x unsafe.Pointer, n int, out unsafe.Pointer)) func([]float32) (float32, float32) {
	return func(x []float32) (float32, float32) {
		var out [2]float32
		f(at(x), len(x), unsafe.Pointer(&out))
		return out[0], out[1]
	}
}

func quantiseWith(f func(x, q unsafe.Pointer, n int, inv float32, zp int32)) func([]float32, []byte, float32, int32) {
	return func(x []float32, q []byte, inv float32, zp int32) { f(at(x), at(q), len(x), inv, zp) }
}

func softmaxWith(f func(x unsafe.Pointer, stride, rows, n int, inv unsafe.Pointer)) func([]float32, int, int, int, []float32) {
	return func(x []float32, stride, rows, n int, inv []float32) { f(at(x), 4*stride, rows, n, at(inv)) }
}

func inPlaceWith(f func(x unsafe.Pointer, n int)) func([]float32) {
	return func(x []float32) { f(at(x), len(x)) }
}

func mulWith(f func(x, y unsafe.Pointer, n int)) func(x, y []float32) {
	return func(x, y []float32) { f(at(x), at(y), len(x)) }
}

func layerNormWith(f func(x, y, gamma, beta unsafe.Pointer, n int, invN, eps float32)) func(x, y, gamma, beta []float32, eps float32) {
	return func(x, y, gamma, beta []float32, eps float32) {
		f(at(x), at(y), at(gamma), at(beta), len(x), 1/float32(len(x)), eps)
	}
}
