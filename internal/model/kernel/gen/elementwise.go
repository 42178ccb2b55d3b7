//go:build ignore

package main

import (
	"fmt"
	"math"
	"strings"
)

// isa is a vector width: one step is always 16 floats, in one register or in
// two halves, so that sums meet in the same order.
type isa struct {
	name   string
	halves int
}

// each emits an instruction once per half. In format, v0 to v7 are logical
// registers, [SI+64] memory at that register and offset, =name a constant.
func (g *gen) each(is isa, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	for h := range is.halves {
		out := text
		for i := 15; i >= 0; i-- {
			reg := fmt.Sprintf("Z%d", i)
			if is.halves == 2 {
				reg = fmt.Sprintf("Y%d", 2*i+h)
			}
			out = strings.ReplaceAll(out, fmt.Sprintf("v%d", i), reg)
		}
		for strings.Contains(out, "[") {
			a, b := strings.Index(out, "["), strings.Index(out, "]")
			out = out[:a] + fmt.Sprintf("%d(%s)", 32*h, out[a+1:b]) + out[b+1:]
		}
		if i := strings.Index(out, "="); i >= 0 {
			j := i + strings.IndexByte(out[i:], ',')
			out = out[:i] + "k_" + out[i+1:j] + "<>(SB)" + out[j:]
		}
		g.line("%s", out)
	}
}

// reduce folds logical register 0 with op (VADDPS, VMAXPS, VMINPS) into every
// lane of X0, using X1.
func (g *gen) reduce(is isa, op string) {
	if is.halves == 2 {
		g.line("%s Y1, Y0, Y0", op)
	} else {
		g.line("VEXTRACTF64X4 $1, Z0, Y1")
		g.line("%s Y1, Y0, Y0", op)
	}
	g.line("VEXTRACTF128 $1, Y0, X1")
	g.line("%s X1, X0, X0", op)
	g.line("VPERMILPS $0x4E, X0, X1")
	g.line("%s X1, X0, X0", op)
	g.line("VPERMILPS $0xB1, X0, X1")
	g.line("%s X1, X0, X0", op)
}

// spread broadcasts lane 0 of X0 to logical register v.
func (g *gen) spread(is isa, v int) { g.each(is, "VBROADCASTSS X0, v%d", v) }

var floats = []struct {
	name string
	v    float32
}{
	{"exp0", 0.9999999403953552}, {"exp1", 0.6931530833244324}, {"exp2", 0.24015361070632935},
	{"exp3", 0.05582631751894951}, {"exp4", 0.00898933969438076}, {"exp5", 0.0018775766948238015},
	{"expmin", -126}, {"expmax", 126}, {"minuslog2e", -1.4426950408889634}, {"one", 1}, {"half", 0.5}, {"rsqrt2", 0.70710678118654752}, {"four", 4}, {"minusfour", -4},
	{"erfa0", -2.72614225801306e-10}, {"erfa1", 2.77068142495902e-08}, {"erfa2", -2.10102402082508e-06},
	{"erfa3", -5.69250639462346e-05}, {"erfa4", -7.34990630326855e-04}, {"erfa5", -2.95459980854025e-03},
	{"erfa6", -1.60960333262415e-02},
	{"erfb0", -1.45660718464996e-05}, {"erfb1", -2.13374055278905e-04}, {"erfb2", -1.68282697438203e-03},
	{"erfb3", -7.37332916720468e-03}, {"erfb4", -1.42647390514189e-02},
}

func constants(g *gen) {
	for _, c := range floats {
		for i := range 16 {
			fmt.Fprintf(&g.s, "DATA k_%s<>+%d(SB)/4, $0x%08x\n", c.name, 4*i, math.Float32bits(c.v))
		}
		fmt.Fprintf(&g.s, "GLOBL k_%s<>(SB), RODATA|NOPTR, $64\n", c.name)
	}
}

func elementwise(g *gen, is isa) {
	minMax(g, is)
	quantise(g, is)
	softmax(g, is)
	gelu(g, is)
	silu(g, is)
	mul(g, is)
	layerNorm(g, is)
}

func minMax(g *gen, is isa) {
	g.fn("minMax"+is.name, "finds the least and the greatest of n > 0 floats and zero, n a multiple of 16.", "x unsafe.Pointer, n int, out unsafe.Pointer", 24)
	g.line("MOVQ x+0(FP), SI")
	g.line("MOVQ n+8(FP), CX")
	g.line("MOVQ out+16(FP), DI")
	for _, v := range []int{0, 1} {
		g.each(is, "VXORPS v%d, v%d, v%d", v+2, v+2, v+2)
	}
	g.label("loop")
	g.each(is, "VMOVUPS [SI], v4")
	g.each(is, "VMINPS v4, v2, v2")
	g.each(is, "VMAXPS v4, v3, v3")
	g.line("ADDQ $64, SI")
	g.line("SUBQ $16, CX")
	g.line("JNZ loop")
	for i, op := range []string{"VMINPS", "VMAXPS"} {
		g.each(is, "VMOVAPS v%d, v0", 2+i)
		g.reduce(is, op)
		g.line("VMOVSS X0, %d(DI)", 4*i)
	}
	g.ret()
}

// quantise writes round(x·inv) + zp held to 0…255: bytes for AVX-512, and for
// AVX2 16-bit numbers with zp taken off again.
func quantise(g *gen, is isa) {
	g.fn("quantise"+is.name, "quantises n > 0 floats, n a multiple of 16.", "x, q unsafe.Pointer, n int, inv float32, zp int32", 32)
	g.line("MOVQ x+0(FP), SI")
	g.line("MOVQ q+8(FP), DI")
	g.line("MOVQ n+16(FP), CX")
	g.line("VMOVSS inv+24(FP), X0")
	g.spread(is, 1)
	g.line("MOVL zp+28(FP), AX")
	if is.halves == 1 {
		g.line("VPBROADCASTD AX, Z2")
		g.line("VPXORD Z3, Z3, Z3")
	} else {
		g.line("NEGL AX")
		g.line("VMOVD AX, X0")
		g.line("VPBROADCASTD X0, Y4") // -zp
		g.line("ADDL $255, AX")
		g.line("VMOVD AX, X0")
		g.line("VPBROADCASTD X0, Y5") // 255-zp
	}
	g.label("loop")
	if is.halves == 1 {
		g.line("VMULPS (SI), Z1, Z4")
		g.line("VCVTPS2DQ Z4, Z4")
		g.line("VPADDD Z2, Z4, Z4")
		g.line("VPMAXSD Z3, Z4, Z4")
		g.line("VPMOVUSDB Z4, (DI)")
		g.line("ADDQ $16, DI")
	} else {
		g.each(is, "VMULPS [SI], v1, v3")
		g.each(is, "VCVTPS2DQ v3, v3")
		g.each(is, "VPMAXSD Y4, v3, v3")
		g.each(is, "VPMINSD Y5, v3, v3")
		g.line("VPACKSSDW Y7, Y6, Y6")
		g.line("VPERMQ $0xD8, Y6, Y6")
		g.line("VMOVDQU Y6, (DI)")
		g.line("ADDQ $32, DI")
	}
	g.line("ADDQ $64, SI")
	g.line("SUBQ $16, CX")
	g.line("JNZ loop")
	g.ret()
}

// softmax replaces x by 2^(x − max of its row) and writes one over the row's
// sum.
func softmax(g *gen, is isa) {
	g.fn("softmax"+is.name, "takes rows > 0 rows of n > 0 floats, n a multiple of 16, rows stride bytes apart.", "x unsafe.Pointer, stride, rows, n int, inv unsafe.Pointer", 40)
	g.line("MOVQ x+0(FP), SI")
	g.line("MOVQ stride+8(FP), DX")
	g.line("MOVQ rows+16(FP), R8")
	g.line("MOVQ inv+32(FP), DI")
	g.label("row")
	g.line("MOVQ n+24(FP), CX")
	g.line("MOVQ SI, BX")
	g.each(is, "VMOVUPS [BX], v0")
	g.label("max")
	g.each(is, "VMAXPS [BX], v0, v0")
	g.line("ADDQ $64, BX")
	g.line("SUBQ $16, CX")
	g.line("JNZ max")
	g.reduce(is, "VMAXPS")
	g.spread(is, 2)
	g.each(is, "VXORPS v3, v3, v3")
	g.line("MOVQ n+24(FP), CX")
	g.line("MOVQ SI, BX")
	g.label("exp")
	g.each(is, "VMOVUPS [BX], v4")
	g.each(is, "VSUBPS v2, v4, v4")
	exp2(g, is)
	g.each(is, "VADDPS v6, v3, v3")
	g.each(is, "VMOVUPS v6, [BX]")
	g.line("ADDQ $64, BX")
	g.line("SUBQ $16, CX")
	g.line("JNZ exp")
	g.each(is, "VMOVAPS v3, v0")
	g.reduce(is, "VADDPS")
	g.line("VMOVSS k_one<>(SB), X1")
	g.line("VDIVSS X0, X1, X0")
	g.line("VMOVSS X0, (DI)")
	g.line("ADDQ $4, DI")
	g.line("ADDQ DX, SI")
	g.line("DECQ R8")
	g.line("JNZ row")
	g.ret()
}

// gelu is x/2·(1 + erf(x/√2)) with a rational erf, absolute error 4e-7.
func gelu(g *gen, is isa) {
	g.fn("gelu"+is.name, "replaces n > 0 floats, n a multiple of 16.", "x unsafe.Pointer, n int", 16)
	g.line("MOVQ x+0(FP), SI")
	g.line("MOVQ n+8(FP), CX")
	g.label("loop")
	g.each(is, "VMOVUPS [SI], v0")
	g.each(is, "VMULPS =rsqrt2, v0, v1")
	g.each(is, "VMAXPS =minusfour, v1, v1")
	g.each(is, "VMINPS =four, v1, v1")
	g.each(is, "VMULPS v1, v1, v2")
	g.each(is, "VMOVUPS =erfa0, v3")
	for i := 1; i <= 6; i++ {
		g.each(is, "VFMADD213PS =erfa%d, v2, v3", i)
	}
	g.each(is, "VMULPS v1, v3, v3")
	g.each(is, "VMOVUPS =erfb0, v4")
	for i := 1; i <= 4; i++ {
		g.each(is, "VFMADD213PS =erfb%d, v2, v4", i)
	}
	g.each(is, "VDIVPS v4, v3, v3")
	g.each(is, "VMULPS =half, v0, v0")
	g.each(is, "VFMADD213PS v0, v0, v3")
	g.each(is, "VMOVUPS v3, [SI]")
	g.line("ADDQ $64, SI")
	g.line("SUBQ $16, CX")
	g.line("JNZ loop")
	g.ret()
}

// silu is x/(1 + e^-x).
func silu(g *gen, is isa) {
	g.fn("silu"+is.name, "replaces n > 0 floats, n a multiple of 16.", "x unsafe.Pointer, n int", 16)
	g.line("MOVQ x+0(FP), SI")
	g.line("MOVQ n+8(FP), CX")
	g.label("loop")
	g.each(is, "VMOVUPS [SI], v0")
	g.each(is, "VMULPS =minuslog2e, v0, v4")
	g.each(is, "VMINPS =expmax, v4, v4")
	exp2(g, is)
	g.each(is, "VADDPS =one, v6, v6")
	g.each(is, "VDIVPS v6, v0, v0")
	g.each(is, "VMOVUPS v0, [SI]")
	g.line("ADDQ $64, SI")
	g.line("SUBQ $16, CX")
	g.line("JNZ loop")
	g.ret()
}

func mul(g *gen, is isa) {
	g.fn("mul"+is.name, "multiplies n > 0 floats of x by those of y, n a multiple of 16.", "x, y unsafe.Pointer, n int", 24)
	g.line("MOVQ x+0(FP), SI")
	g.line("MOVQ y+8(FP), DI")
	g.line("MOVQ n+16(FP), CX")
	g.label("loop")
	g.each(is, "VMOVUPS [SI], v0")
	g.each(is, "VMULPS [DI], v0, v0")
	g.each(is, "VMOVUPS v0, [SI]")
	g.line("ADDQ $64, SI")
	g.line("ADDQ $64, DI")
	g.line("SUBQ $16, CX")
	g.line("JNZ loop")
	g.ret()
}

// exp2 sets v6 to 2^v4, using v1 and v5. 2^r on [0, 1) is a minimax
// polynomial, relative error 8e-8.
func exp2(g *gen, is isa) {
	g.each(is, "VMAXPS =expmin, v4, v4")
	// Not VREDUCEPS, which rounds the difference otherwise.
	if is.halves == 1 {
		g.line("VRNDSCALEPS $9, Z4, Z1")
	} else {
		g.each(is, "VROUNDPS $9, v4, v1")
	}
	g.each(is, "VSUBPS v1, v4, v5")
	g.each(is, "VMOVUPS =exp5, v6")
	for i := 4; i >= 0; i-- {
		g.each(is, "VFMADD213PS =exp%d, v5, v6", i)
	}
	if is.halves == 1 {
		g.line("VSCALEFPS Z4, Z6, Z6")
	} else {
		g.each(is, "VCVTPS2DQ v1, v1")
		g.each(is, "VPSLLD $23, v1, v1")
		g.each(is, "VPADDD v1, v6, v6")
	}
}

// layerNorm is x = (x+y − mean)/√(variance + eps)·gamma + beta.
func layerNorm(g *gen, is isa) {
	g.fn("layerNorm"+is.name, "normalises n > 0 floats, n a multiple of 16; invN is 1/n.", "x, y, gamma, beta unsafe.Pointer, n int, invN, eps float32", 48)
	g.line("MOVQ x+0(FP), SI")
	g.line("MOVQ y+8(FP), DI")
	g.line("MOVQ gamma+16(FP), R8")
	g.line("MOVQ beta+24(FP), R9")
	g.each(is, "VXORPS v0, v0, v0")
	start := func() { g.line("XORQ BX, BX"); g.line("MOVQ n+32(FP), CX") }
	next := func(label string) {
		g.line("ADDQ $64, BX")
		g.line("SUBQ $16, CX")
		g.line("JNZ %s", label)
	}
	start()
	g.label("sum")
	g.each(is, "VMOVUPS [SI)(BX*1], v4")
	g.each(is, "VADDPS [DI)(BX*1], v4, v4")
	g.each(is, "VMOVUPS v4, [SI)(BX*1]")
	g.each(is, "VADDPS v4, v0, v0")
	next("sum")
	g.reduce(is, "VADDPS")
	g.line("VMULSS invN+40(FP), X0, X0")
	g.spread(is, 2)
	g.each(is, "VXORPS v0, v0, v0")
	start()
	g.label("square")
	g.each(is, "VMOVUPS [SI)(BX*1], v4")
	g.each(is, "VSUBPS v2, v4, v4")
	g.each(is, "VFMADD231PS v4, v4, v0")
	next("square")
	g.reduce(is, "VADDPS")
	g.line("VMULSS invN+40(FP), X0, X0")
	g.line("VADDSS eps+44(FP), X0, X0")
	g.line("VSQRTSS X0, X0, X0")
	g.line("VMOVSS k_one<>(SB), X1")
	g.line("VDIVSS X0, X1, X0")
	g.spread(is, 3)
	start()
	g.label("scale")
	g.each(is, "VMOVUPS [SI)(BX*1], v4")
	g.each(is, "VSUBPS v2, v4, v4")
	g.each(is, "VMULPS v3, v4, v4")
	g.each(is, "VMOVUPS [R8)(BX*1], v5")
	g.each(is, "VFMADD213PS [R9)(BX*1], v5, v4")
	g.each(is, "VMOVUPS v4, [SI)(BX*1]")
	next("scale")
	g.ret()
}
