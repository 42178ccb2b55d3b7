package kernel

import "golang.org/x/sys/cpu"

var avx512Set = Set{
	name: "avx512_vnni", actBytes: 1, blockRows: 48,
	panelF32: panelF32AVX512, panelI8: panelI8VNNI,
	minMax:   minMaxWith(minMaxavx512),
	quantise: quantiseWith(quantiseavx512),
	softmax:  softmaxWith(softmaxavx512),
	gelu:     inPlaceWith(geluavx512), silu: inPlaceWith(siluavx512), mul: mulWith(mulavx512),
	layerNorm: layerNormWith(layerNormavx512),
}

var avx2Set = Set{
	name: "avx2", actBytes: 2, blockRows: 48,
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
		best := avx512Set
		if x.HasAVX512BF16 {
			best = withBF16(best)
		}
		if amxWorks() {
			sets = append(sets, amxSet(best))
		}
		sets = append(sets, &best)
	}
	if x.HasAVX2 && x.HasFMA {
		sets = append(sets, &avx2Set)
	}
	return sets
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
