//go:build ignore

package main

import (
	"fmt"
	"math"
	"strings"
)

// Go's assembler lacks most vector instructions of arm64: these are their
// encodings for four 32-bit lanes, without registers (Arm ARM, C7.2).
const (
	fadd, fsub, fmul, fdiv     = 0x4E20D400, 0x4EA0D400, 0x6E20DC00, 0x6E20FC00
	fmax, fmin, fmla           = 0x4E20F400, 0x4EA0F400, 0x4E20CC00
	vadd, vmul, smax, smin     = 0x4EA08400, 0x4EA09C00, 0x4EA06400, 0x4EA06C00
	vorr, ext8                 = 0x4EA01C00, 0x6E004000
	frintm, fcvtzs, fcvtns     = 0x4E219800, 0x4EA1B800, 0x4E21A800
	scvtf, shl23               = 0x4E21D800, 0x4F375400
	xtn4h, xtn8h, xtn8b, xtn16 = 0x0E612800, 0x4E612800, 0x0E212800, 0x4E212800
	fmaxv, fminv, dup0, dup1   = 0x6E30F800, 0x6EB0F800, 0x4E040400, 0x4E0C0400
	fmlaElement, sdotElement   = 0x4F801000, 0x4F80E000
)

func (g *gen) op3(op uint32, d, n, m int) {
	g.line("WORD $0x%08X // %s V%d, V%d, V%d", op|uint32(m)<<16|uint32(n)<<5|uint32(d), names[op], d, n, m)
}

func (g *gen) op2(op uint32, d, n int) {
	g.line("WORD $0x%08X // %s V%d, V%d", op|uint32(n)<<5|uint32(d), names[op], d, n)
}

// element multiplies by lane i of m.
func (g *gen) element(op uint32, d, n, m, i int) {
	g.line("WORD $0x%08X // %s V%d, V%d, V%d[%d]",
		op|uint32(i&1)<<21|uint32(i>>1)<<11|uint32(m)<<16|uint32(n)<<5|uint32(d), names[op], d, n, m, i)
}

var names = map[uint32]string{
	fadd: "fadd", fsub: "fsub", fmul: "fmul", fdiv: "fdiv", fmax: "fmax", fmin: "fmin", fmla: "fmla", vadd: "add", vmul: "mul",
	smax: "smax", smin: "smin", vorr: "mov", ext8: "ext #8", frintm: "frintm", fcvtzs: "fcvtzs", fcvtns: "fcvtns", scvtf: "scvtf",
	shl23: "shl #23", xtn4h: "xtn 4h", xtn8h: "xtn2 8h", xtn8b: "xtn 8b", xtn16: "xtn2 16b", fmaxv: "fmaxv", fminv: "fminv",
	dup0: "dup [0]", dup1: "dup [1]", fmlaElement: "fmla", sdotElement: "sdot",
}

func (g *gen) constant(v int, f float32) {
	g.line("MOVW $0x%08x, R7", math.Float32bits(f))
	g.line("VDUP R7, V%d.S4", v)
}

func four(first int, lanes string) string {
	var s []string
	for i := range 4 {
		s = append(s, fmt.Sprintf("V%d.%s", first+i, lanes))
	}
	return "[" + strings.Join(s, ", ") + "]"
}

// tileARM opens a micro-kernel: R0 depth, R8… rows of A, R3 panel, R12… rows of C.
func (g *gen) tileARM(mr int) {
	for i, arg := range []string{"k", "a", "lda", "b", "c", "ldc"} {
		g.line("MOVD %s+%d(FP), R%d", arg, 8*i, i)
	}
	g.line("MOVD R1, R8")
	g.line("MOVD R4, R12")
	for i := 1; i < mr; i++ {
		g.line("ADD R2, R%d, R%d", 7+i, 8+i)
		g.line("ADD R5, R%d, R%d", 11+i, 12+i)
	}
}

// i8neon writes mr rows by 16 columns, 16 deep a step. Bytes of A are signed:
// 128 less than what the other sets have, which the zero point makes good.
func (g *gen) i8neon(mr int) {
	g.fn(fmt.Sprintf("i8neon%d", mr), fmt.Sprintf("multiplies %d rows by 16 columns, sixteen deep a step.", mr), i8Params, 88)
	g.tileARM(mr)
	g.line("MOVD colsum+48(FP), R6")
	g.line("VLD1 (R6), %s", four(4, "S4"))
	g.line("MOVD nzp+72(FP), R6")
	for i := range mr {
		g.line("MOVW %d(R6), R7", 4*i)
		g.line("ADD $128, R7")
		g.line("VDUP R7, V0.S4")
		for j := range 4 {
			g.op3(vmul, 16+4*i+j, 4+j, 0)
		}
	}
	g.label("loop")
	for i := range mr {
		g.line("VLD1.P 16(R%d), [V%d.B16]", 8+i, i)
	}
	for s := range 4 {
		g.line("VLD1 (R3), %s", four(4, "B16"))
		g.line("ADD $128, R3")
		for i := range mr {
			for j := range 4 {
				g.element(sdotElement, 16+4*i+j, 4+j, i, s)
			}
		}
	}
	g.line("SUBS $1, R0")
	g.line("BNE loop")
	g.line("MOVD cscale+56(FP), R6")
	g.line("VLD1 (R6), %s", four(4, "S4"))
	g.line("MOVD bias+80(FP), R6")
	g.line("VLD1 (R6), %s", four(8, "S4"))
	g.line("MOVD rscale+64(FP), R6")
	// V12 to V15 hold a row of results.
	for i := range mr {
		g.line("VLD1R.P 4(R6), [V0.S4]")
		for j := range 4 {
			acc := 16 + 4*i + j
			g.op2(scvtf, acc, acc)
			g.op3(fmul, acc, acc, 0)
			g.op3(vorr, 12+j, 8+j, 8+j)
			g.op3(fmla, 12+j, acc, 4+j)
		}
		g.line("VST1 %s, (R%d)", four(12, "S4"), 12+i)
	}
	g.line("RET")
}

func (g *gen) f32neon(mr int) {
	g.fn(fmt.Sprintf("f32neon%d", mr), fmt.Sprintf("multiplies %d rows by 16 columns of a panel.", mr), f32Params, 64)
	g.tileARM(mr)
	g.line("MOVD bias+48(FP), R6")
	g.line("CBZ R6, accumulate")
	for i := range mr {
		g.line("VLD1 (R6), %s", four(16+4*i, "S4"))
	}
	g.line("B deep")
	g.label("accumulate")
	for i := range mr {
		g.line("VLD1 (R%d), %s", 12+i, four(16+4*i, "S4"))
	}
	step := func(depth int) {
		for s := range depth {
			g.line("VLD1 (R3), %s", four(4, "S4"))
			g.line("ADD $128, R3")
			for i := range mr {
				for j := range 4 {
					g.element(fmlaElement, 16+4*i+j, 4+j, i, s)
				}
			}
		}
	}
	g.label("deep")
	g.line("CMP $4, R0")
	g.line("BLT last")
	for i := range mr {
		g.line("VLD1.P 16(R%d), [V%d.S4]", 8+i, i)
	}
	step(4)
	g.line("SUB $4, R0")
	g.line("B deep")
	g.label("last")
	g.line("CBZ R0, scale")
	for i := range mr {
		g.line("VLD1R.P 4(R%d), [V%d.S4]", 8+i, i)
	}
	step(1)
	g.line("SUB $1, R0")
	g.line("B last")
	g.label("scale")
	g.line("MOVD rscale+56(FP), R6")
	g.line("CBZ R6, store")
	for i := range mr {
		g.line("VLD1R.P 4(R6), [V0.S4]")
		for j := range 4 {
			g.op3(fmul, 16+4*i+j, 16+4*i+j, 0)
		}
	}
	g.label("store")
	for i := range mr {
		g.line("VST1 %s, (R%d)", four(16+4*i, "S4"), 12+i)
	}
	g.line("RET")
}

// args loads arguments of 8 bytes into R0, R1, …
func (g *gen) args(names ...string) {
	for i, n := range names {
		g.line("MOVD %s+%d(FP), R%d", n, 8*i, i)
	}
}

// again closes a loop over R1 floats, 16 a step.
func (g *gen) again(label string) {
	g.line("SUBS $16, R1")
	g.line("BNE %s", label)
}

// foldARM adds up V0 to V3, 16 lanes, as the other sets do, into lane 0 of V0.
func (g *gen) foldARM() {
	g.op3(fadd, 0, 0, 2)
	g.op3(fadd, 1, 1, 3)
	g.op3(fadd, 0, 0, 1)
	g.op3(ext8, 1, 0, 0)
	g.op3(fadd, 0, 0, 1)
	g.op2(dup1, 1, 0)
	g.op3(fadd, 0, 0, 1)
}

var exp2Constants = []float32{0.9999999403953552, 0.6931530833244324, 0.24015361070632935, 0.05582631751894951, 0.00898933969438076, 0.0018775766948238015}

// loadExp2 puts the constants of exp2ARM into V24 to V30.
func (g *gen) loadExp2() {
	for i, f := range exp2Constants {
		g.constant(24+i, f)
	}
	g.constant(30, -126)
}

// exp2ARM replaces Vx by 2^Vx, using V20 to V23.
func (g *gen) exp2ARM(x int) {
	g.op3(fmax, x, x, 30)
	g.op2(frintm, 20, x)
	g.op3(fsub, 21, x, 20)
	p, t := 22, 23
	g.op3(vorr, p, 29, 29)
	for i := 4; i >= 0; i-- {
		g.op3(vorr, t, 24+i, 24+i)
		g.op3(fmla, t, p, 21)
		p, t = t, p
	}
	g.op2(fcvtzs, 20, 20)
	g.op2(shl23, 20, 20)
	g.op3(vadd, x, p, 20)
}

func elementwiseARM(g *gen) {
	g.fn("minMaxneon", "finds the least and the greatest of n > 0 floats and zero, n a multiple of 16.", "x unsafe.Pointer, n int, out unsafe.Pointer", 24)
	g.args("x", "n", "out")
	g.constant(0, 0)
	g.constant(1, 0)
	g.label("loop")
	g.line("VLD1.P 64(R0), %s", four(4, "S4"))
	for i := range 4 {
		g.op3(fmin, 0, 0, 4+i)
		g.op3(fmax, 1, 1, 4+i)
	}
	g.again("loop")
	g.op2(fminv, 0, 0)
	g.op2(fmaxv, 1, 1)
	g.line("FMOVS F0, (R2)")
	g.line("FMOVS F1, 4(R2)")
	g.line("RET")

	g.fn("quantiseneon", "quantises n > 0 floats to bytes less 128, n a multiple of 16.", "x, q unsafe.Pointer, n int, inv float32, zp int32", 32)
	g.line("MOVD x+0(FP), R0")
	g.line("MOVD q+8(FP), R2")
	g.line("MOVD n+16(FP), R1")
	g.line("MOVW inv+24(FP), R3")
	g.line("VDUP R3, V16.S4")
	g.line("MOVW zp+28(FP), R3")
	g.line("SUB $128, R3")
	g.line("VDUP R3, V17.S4")
	g.line("MOVW $-128, R3")
	g.line("VDUP R3, V18.S4")
	g.line("MOVW $127, R3")
	g.line("VDUP R3, V19.S4")
	g.label("loop")
	g.line("VLD1.P 64(R0), %s", four(4, "S4"))
	for i := 4; i < 8; i++ {
		g.op3(fmul, i, i, 16)
		g.op2(fcvtns, i, i)
		g.op3(vadd, i, i, 17)
		g.op3(smax, i, i, 18)
		g.op3(smin, i, i, 19)
	}
	g.op2(xtn4h, 0, 4)
	g.op2(xtn8h, 0, 5)
	g.op2(xtn4h, 1, 6)
	g.op2(xtn8h, 1, 7)
	g.op2(xtn8b, 2, 0)
	g.op2(xtn16, 2, 1)
	g.line("VST1.P [V2.B16], 16(R2)")
	g.again("loop")
	g.line("RET")

	softmaxARM(g)
	geluARM(g)

	g.fn("siluneon", "replaces n > 0 floats, n a multiple of 16.", "x unsafe.Pointer, n int", 16)
	g.args("x", "n")
	g.loadExp2()
	g.constant(16, -1.4426950408889634)
	g.constant(17, 126)
	g.constant(18, 1)
	g.label("loop")
	g.line("VLD1 (R0), %s", four(0, "S4"))
	for i := range 4 {
		g.op3(fmul, 4+i, i, 16)
		g.op3(fmin, 4+i, 4+i, 17)
		g.exp2ARM(4 + i)
		g.op3(fadd, 4+i, 4+i, 18)
		g.op3(fdiv, i, i, 4+i)
	}
	g.line("VST1.P %s, 64(R0)", four(0, "S4"))
	g.again("loop")
	g.line("RET")

	g.fn("mulneon", "multiplies n > 0 floats of x by those of y, n a multiple of 16.", "x, y unsafe.Pointer, n int", 24)
	g.line("MOVD x+0(FP), R0")
	g.line("MOVD y+8(FP), R2")
	g.line("MOVD n+16(FP), R1")
	g.label("loop")
	g.line("VLD1 (R0), %s", four(0, "S4"))
	g.line("VLD1.P 64(R2), %s", four(4, "S4"))
	for i := range 4 {
		g.op3(fmul, i, i, 4+i)
	}
	g.line("VST1.P %s, 64(R0)", four(0, "S4"))
	g.again("loop")
	g.line("RET")

	layerNormARM(g)
}

func softmaxARM(g *gen) {
	g.fn("softmaxneon", "takes rows > 0 rows of n > 0 floats, n a multiple of 16, rows stride bytes apart.", "x unsafe.Pointer, stride, rows, n int, inv unsafe.Pointer", 40)
	g.line("MOVD x+0(FP), R2")
	g.line("MOVD stride+8(FP), R3")
	g.line("MOVD rows+16(FP), R4")
	g.line("MOVD inv+32(FP), R5")
	g.loadExp2()
	g.constant(31, 1)
	g.label("row")
	g.line("MOVD n+24(FP), R1")
	g.line("MOVD R2, R0")
	g.line("VLD1R (R0), [V16.S4]")
	g.label("greatest")
	g.line("VLD1.P 64(R0), %s", four(4, "S4"))
	for i := range 4 {
		g.op3(fmax, 16, 16, 4+i)
	}
	g.again("greatest")
	g.op2(fmaxv, 16, 16)
	g.op2(dup0, 16, 16)
	for i := range 4 {
		g.constant(i, 0)
	}
	g.line("MOVD n+24(FP), R1")
	g.line("MOVD R2, R0")
	g.label("exp")
	g.line("VLD1 (R0), %s", four(4, "S4"))
	for i := range 4 {
		g.op3(fsub, 4+i, 4+i, 16)
		g.exp2ARM(4 + i)
		g.op3(fadd, i, i, 4+i)
	}
	g.line("VST1.P %s, 64(R0)", four(4, "S4"))
	g.again("exp")
	g.foldARM()
	g.op3(fdiv, 0, 31, 0)
	g.line("FMOVS F0, (R5)")
	g.line("ADD $4, R5")
	g.line("ADD R3, R2")
	g.line("SUBS $1, R4")
	g.line("BNE row")
	g.line("RET")
}

func geluARM(g *gen) {
	a := []float32{-2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05, -7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02}
	b := []float32{-1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03, -1.42647390514189e-02}
	g.fn("geluneon", "replaces n > 0 floats, n a multiple of 16.", "x unsafe.Pointer, n int", 16)
	g.args("x", "n")
	for i, f := range append(append([]float32{}, a...), b...) {
		g.constant(16+i, f)
	}
	g.constant(28, 0.70710678118654752)
	g.constant(29, 4)
	g.constant(30, -4)
	g.constant(31, 0.5)
	horner := func(p, t, s, first, n int) int {
		g.op3(vorr, p, first, first)
		for i := 1; i < n; i++ {
			g.op3(vorr, t, first+i, first+i)
			g.op3(fmla, t, p, s)
			p, t = t, p
		}
		return p
	}
	g.label("loop")
	g.line("VLD1 (R0), %s", four(0, "S4"))
	for i := range 4 {
		const z, s = 4, 5
		g.op3(fmul, z, i, 28)
		g.op3(fmax, z, z, 30)
		g.op3(fmin, z, z, 29)
		g.op3(fmul, s, z, z)
		p := horner(6, 7, s, 16, 7)
		g.op3(fmul, p, p, z)
		q := horner(8, 9, s, 23, 5)
		g.op3(fdiv, p, p, q)
		g.op3(fmul, i, i, 31)
		g.op3(vorr, s, i, i)
		g.op3(fmla, s, p, i)
		g.op3(vorr, i, s, s)
	}
	g.line("VST1.P %s, 64(R0)", four(0, "S4"))
	g.again("loop")
	g.line("RET")
}

func layerNormARM(g *gen) {
	g.fn("layerNormneon", "normalises n > 0 floats, n a multiple of 16; invN is 1/n.", "x, y, gamma, beta unsafe.Pointer, n int, invN, eps float32", 48)
	start := func() {
		g.line("MOVD x+0(FP), R0")
		g.line("MOVD n+32(FP), R1")
	}
	clearSums := func() {
		for i := range 4 {
			g.constant(i, 0)
		}
	}
	g.line("MOVD y+8(FP), R2")
	g.line("FMOVS invN+40(FP), F16")
	start()
	clearSums()
	g.label("sum")
	g.line("VLD1 (R0), %s", four(4, "S4"))
	g.line("VLD1.P 64(R2), %s", four(8, "S4"))
	for i := range 4 {
		g.op3(fadd, 4+i, 4+i, 8+i)
		g.op3(fadd, i, i, 4+i)
	}
	g.line("VST1.P %s, 64(R0)", four(4, "S4"))
	g.again("sum")
	g.foldARM()
	g.op3(fmul, 0, 0, 16)
	g.op2(dup0, 17, 0) // mean
	start()
	clearSums()
	g.label("square")
	g.line("VLD1.P 64(R0), %s", four(4, "S4"))
	for i := range 4 {
		g.op3(fsub, 4+i, 4+i, 17)
		g.op3(fmla, i, 4+i, 4+i)
	}
	g.again("square")
	g.foldARM()
	g.op3(fmul, 0, 0, 16)
	g.line("FMOVS eps+44(FP), F1")
	g.line("FADDS F1, F0, F0")
	g.line("FSQRTS F0, F0")
	g.constant(1, 1)
	g.line("FDIVS F0, F1, F0")
	g.op2(dup0, 18, 0)
	g.line("MOVD gamma+16(FP), R2")
	g.line("MOVD beta+24(FP), R3")
	start()
	g.label("scale")
	g.line("VLD1 (R0), %s", four(4, "S4"))
	g.line("VLD1.P 64(R2), %s", four(8, "S4"))
	g.line("VLD1.P 64(R3), %s", four(20, "S4"))
	for i := range 4 {
		g.op3(fsub, 4+i, 4+i, 17)
		g.op3(fmul, 4+i, 4+i, 18)
		g.op3(fmla, 20+i, 4+i, 8+i)
	}
	g.line("VST1.P %s, 64(R0)", four(20, "S4"))
	g.again("scale")
	g.line("RET")
}

func arm64() {
	g := &gen{}
	head := "// Code generated by gen; DO NOT EDIT.\n\n"
	g.s.WriteString(head + "#include \"textflag.h\"\n")
	g.g.WriteString(head + "package kernel\n\nimport \"unsafe\"\n")
	var f, i []string
	for mr := 1; mr <= 4; mr++ {
		g.f32neon(mr)
		g.i8neon(mr)
		f, i = append(f, fmt.Sprintf("f32neon%d", mr)), append(i, fmt.Sprintf("i8neon%d", mr))
	}
	g.table("f32neonTiles", "f32Tile", f)
	g.table("i8neonTiles", "i8Tile", i)
	elementwiseARM(g)
	write("kernels_arm64.s", g.s.String())
	write("kernels_arm64.go", g.g.String())
}
