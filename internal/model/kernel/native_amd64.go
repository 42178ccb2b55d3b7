package kernel

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

type (
	f32Tile func(k int, a unsafe.Pointer, lda int, b, c unsafe.Pointer, ldc int, bias, rscale unsafe.Pointer)
	i8Tile  func(k int, a unsafe.Pointer, lda int, b, c unsafe.Pointer, ldc int, colsum, cscale, rscale, nzp, bias unsafe.Pointer)
)

var avx512Set = Set{
	name: "avx512_vnni", actBytes: 1,
	panelF32: panelF32AVX512, panelI8: panelI8VNNI,
	minMax:   minMaxWith(minMaxavx512),
	quantise: quantiseWith(quantiseavx512),
	softmax:  softmaxWith(softmaxavx512),
	gelu:     inPlaceWith(geluavx512), silu: inPlaceWith(siluavx512), mul: mulWith(mulavx512),
	layerNorm: layerNormWith(layerNormavx512),
}

var avx2Set = Set{
	name: "avx2", actBytes: 2,
	panelF32: panelF32AVX2, panelI8: panelI8AVX2,
	minMax:   minMaxWith(minMaxavx2),
	quantise: quantiseWith(quantiseavx2),
	softmax:  softmaxWith(softmaxavx2),
	gelu:     inPlaceWith(geluavx2), silu: inPlaceWith(siluavx2), mul: mulWith(mulavx2),
	layerNorm: layerNormWith(layerNormavx2),
}

func native() []*Set {
	var sets []*Set
	x := &cpu.X86
	if x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL && x.HasAVX512VNNI {
		sets = append(sets, &avx512Set)
	}
	if x.HasAVX2 && x.HasFMA {
		sets = append(sets, &avx2Set)
	}
	return sets
}

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

func panelF32AVX512(m, k int, a []float32, lda int, b, c []float32, ldc int, bias, rscale []float32) {
	pa, pb, pc, pbias, pr := at(a), at(b), at(c), at(bias), at(rscale)
	tiles(m, 12, func(row, h int) {
		f32avx512Tiles[h](k, offset(pa, 4*row*lda), 4*lda, pb, offset(pc, 4*row*ldc), 4*ldc, pbias, offset(pr, 4*row))
	})
}

func panelF32AVX2(m, k int, a []float32, lda int, b, c []float32, ldc int, bias, rscale []float32) {
	pa, pb, pc, pbias, pr := at(a), at(b), at(c), at(bias), at(rscale)
	tiles(m, 6, func(row, h int) {
		for half := 0; half < 128; half += 64 {
			f32avx2Tiles[h](k, offset(pa, 4*row*lda), 4*lda, offset(pb, half), offset(pc, 4*row*ldc+half), 4*ldc,
				offset(pbias, half), offset(pr, 4*row))
		}
	})
}

func panelI8VNNI(m, k int, q []byte, panel []int8, c []float32, ldc int, e epilogue) {
	checkPanel(m, k, len(q), len(panel), len(c), ldc)
	tiles(m, 12, func(row, h int) {
		i8vnniTiles[h](k/4, at(q[row*k:]), k, at(panel), at(c[row*ldc:]), 4*ldc,
			at(e.colsum), at(e.cscale), at(e.rscale[row:]), at(e.nzp[row:]), at(e.bias))
	})
}

func panelI8AVX2(m, k int, q []byte, panel []int8, c []float32, ldc int, e epilogue) {
	checkPanel(m, k, len(q)/2, len(panel), len(c), ldc)
	tiles(m, 6, func(row, h int) {
		for n := 0; n < Width; n += 8 {
			i8avx2Tiles[h](k/4, at(q[2*row*k:]), 2*k, at(panel[4*n:]), at(c[row*ldc+n:]), 4*ldc,
				at(e.colsum[n:]), at(e.cscale[n:]), at(e.rscale[row:]), at(e.nzp[row:]), at(e.bias[n:]))
		}
	})
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
