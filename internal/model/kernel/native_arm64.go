package kernel

import "golang.org/x/sys/cpu"

// neonSet needs the dot products of bytes (FEAT_DotProd, on every server and
// desktop CPU since 2018).
var neonSet = Set{
	name: "neon", actBytes: 1, blockRows: 48,
	panelF32: panelF32NEON, panelI8: panelI8NEON,
	minMax:    minMaxWith(minMaxneon),
	quantise:  quantiseWith(quantiseneon),
	softmax:   softmaxWith(softmaxneon),
	gelu:      inPlaceWith(geluneon),
	silu:      inPlaceWith(siluneon),
	mul:       mulWith(mulneon),
	layerNorm: layerNormWith(layerNormneon),
}

func native() []*Set {
	if cpu.ARM64.HasASIMDDP {
		return []*Set{&neonSet}
	}
	return nil
}

func panelF32NEON(m, k int, a []float32, lda int, b, c []float32, ldc int, bias, rscale []float32) {
	pa, pb, pc, pbias, pr := at(a), at(b), at(c), at(bias), at(rscale)
	tiles(m, 4, func(row, h int) {
		for half := 0; half < 128; half += 64 {
			f32neonTiles[h](k, offset(pa, 4*row*lda), 4*lda, offset(pb, half), offset(pc, 4*row*ldc+half), 4*ldc,
				offset(pbias, half), offset(pr, 4*row))
		}
	})
}

func panelI8NEON(m, k int, q []byte, panel []int8, c []float32, ldc int, e epilogue) {
	checkPanel(m, k, len(q), len(panel), len(c), ldc)
	tiles(m, 4, func(row, h int) {
		for n := 0; n < Width; n += 16 {
			i8neonTiles[h](k/16, at(q[row*k:]), k, at(panel[4*n:]), at(c[row*ldc+n:]), 4*ldc,
				at(e.colsum[n:]), at(e.cscale[n:]), at(e.rscale[row:]), at(e.nzp[row:]), at(e.bias[n:]))
		}
	})
}
