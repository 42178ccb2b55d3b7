package kernel

import (
	"slices"
	"sync"
	"unsafe"

	"golang.org/x/sys/cpu"
)

//go:noescape
func amxPanel(a unsafe.Pointer, lda int, b, c unsafe.Pointer, blocks, kb int, cfg unsafe.Pointer)

//go:noescape
func amxFinish(c unsafe.Pointer, rows int, out unsafe.Pointer, ldc int, colsum, cscale, rscale, nzp, bias unsafe.Pointer)

// amxSet is the AVX-512 set with byte products on tiles (Sapphire Rapids and
// later).
func amxSet(s Set) *Set {
	s.name, s.panelI8, s.blockRows = "amx", panelI8AMX, 2*amxRows
	return &s
}

// amxConfig makes eight tiles of 16 rows of 64 bytes.
var amxConfig = func() (c [64]byte) {
	c[0] = 1 // palette
	for i := range 8 {
		c[16+2*i], c[48+i] = 64, 16
	}
	return c
}()

const amxRows = 32 // of one block

// panelI8AMX leaves to VNNI what does not fill tiles: few rows, and depths
// that are not a multiple of 64. Both give the same bits.
func panelI8AMX(m, k int, q []byte, panel []int8, c []float32, ldc int, e epilogue) {
	if m <= amxRows/2 || k%64 != 0 {
		panelI8VNNI(m, k, q, panel, c, ldc, e)
		return
	}
	checkPanel(m, k, len(q), len(panel), len(c), ldc)
	// The rows that fill up the last block hold old numbers; their sums are
	// not looked at.
	blocks := RoundUp(m, amxRows) / amxRows
	q = q[:blocks*amxRows*k]
	var sums [productRows * Width]int32
	amxPanel(at(q), k, at(panel), unsafe.Pointer(&sums), blocks, k/64, unsafe.Pointer(&amxConfig))
	amxFinish(unsafe.Pointer(&sums), m, at(c), 4*ldc, at(e.colsum), at(e.cscale), at(e.rscale), at(e.nzp), at(e.bias))
}

// amxWorks reports whether this CPU has tiles, the system lets this process
// use them, and they give the right sums.
var amxWorks = sync.OnceValue(func() bool {
	return cpu.X86.HasAMXTile && cpu.X86.HasAMXInt8 && allowAMX() && amxIsRight()
})

// amxIsRight compares one product with the VNNI kernel's.
func amxIsRight() bool {
	const m, k = 40, 128
	q, panel := make([]byte, RoundUp(m, amxRows)*k), make([]int8, k*Width)
	seed := uint32(1)
	next := func() uint32 { seed = seed*1664525 + 1013904223; return seed >> 24 }
	for i := range q {
		q[i] = byte(next())
	}
	for i := range panel {
		panel[i] = int8(next())
	}
	e := epilogue{
		colsum: ColumnSums(panel, k, Width), cscale: make([]float32, Width), bias: make([]float32, Width),
		rscale: make([]float32, m), nzp: make([]int32, m),
	}
	for i := range Width {
		e.cscale[i], e.bias[i] = float32(next())/255, float32(next())
	}
	for i := range m {
		e.rscale[i], e.nzp[i] = float32(next())/255, -int32(next())
	}
	got, want := make([]float32, m*Width), make([]float32, m*Width)
	panelI8AMX(m, k, q[:m*k], panel, got, Width, e)
	panelI8VNNI(m, k, q[:m*k], panel, want, Width, e)
	return slices.Equal(got, want)
}
