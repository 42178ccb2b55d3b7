package kernel

// withBF16 returns a set that multiplies 16-bit floats by AVX512_BF16.
func withBF16(s Set) Set {
	s.panelBF16, s.roundBF16 = panelBF16AVX512, func(x []float32, h []uint16) { roundbf16(at(x), at(h), len(x)) }
	return s
}

func panelBF16AVX512(m, k int, a, panel []uint16, c []float32, ldc int, bias []float32) {
	checkPanel(m, k, len(a), len(panel), len(c), ldc)
	tiles(m, 12, func(row, h int) {
		bf16avx512Tiles[h](k/2, at(a[row*k:]), 2*k, at(panel), at(c[row*ldc:]), 4*ldc, at(bias), nil)
	})
}
