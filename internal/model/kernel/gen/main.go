//go:build ignore

// Command gen writes the assembly of package kernel: matrix micro-kernels for
// every height of a tile, and element-wise kernels. AVX2 and AVX-512 come from
// one description; NEON does the same operations in the same order.
package main

import (
	"fmt"
	"log"
	"os"
	"strings"
)

type gen struct{ s, g strings.Builder }

func (g *gen) line(format string, args ...any) { fmt.Fprintf(&g.s, "\t"+format+"\n", args...) }
func (g *gen) label(name string)               { fmt.Fprintf(&g.s, "%s:\n", name) }

func (g *gen) fn(name, doc, params string, size int) {
	fmt.Fprintf(&g.s, "\n// func %s(%s)\n// %s\nTEXT ·%s(SB), NOSPLIT, $0-%d\n", name, params, doc, name, size)
	fmt.Fprintf(&g.g, "\n//go:noescape\nfunc %s(%s)\n", name, params)
}

func (g *gen) ret() { g.line("VZEROUPPER"); g.line("RET") }

// rows computes base registers for mr rows of stride reg, three rows to a base.
func (g *gen) rows(mr int, stride string, regs []string) {
	for i := 1; i < (mr+2)/3; i++ {
		g.line("LEAQ (%s)(%s*2), %s", regs[i-1], stride, regs[i])
		g.line("ADDQ %s, %s", stride, regs[i])
	}
}

func rowAddr(r, off int, stride string, regs []string) string {
	o := ""
	if off != 0 {
		o = fmt.Sprint(off)
	}
	switch r % 3 {
	case 0:
		return fmt.Sprintf("%s(%s)", o, regs[r/3])
	case 1:
		return fmt.Sprintf("%s(%s)(%s*1)", o, regs[r/3], stride)
	}
	return fmt.Sprintf("%s(%s)(%s*2)", o, regs[r/3], stride)
}

var (
	aRegs = []string{"SI", "R8", "R9", "R10"}
	cRegs = []string{"R11", "R12", "R13", "R15"}
)

// tile opens a micro-kernel: CX depth, SI… rows of A, DI panel of B, R11… rows of C.
func (g *gen) tile(mr int) {
	g.line("MOVQ k+0(FP), CX")
	g.line("MOVQ a+8(FP), SI")
	g.line("MOVQ lda+16(FP), DX")
	g.rows(mr, "DX", aRegs)
	g.line("MOVQ b+24(FP), DI")
	g.line("MOVQ c+32(FP), R11")
	g.line("MOVQ ldc+40(FP), BX")
	g.rows(mr, "BX", cRegs)
}

func (g *gen) advance(mr, aBytes int) {
	for i := 0; i < (mr+2)/3; i++ {
		g.line("ADDQ $%d, %s", aBytes, aRegs[i])
	}
	g.line("ADDQ $128, DI")
	g.line("DECQ CX")
	g.line("JNZ loop")
}

const f32Params = "k int, a unsafe.Pointer, lda int, b, c unsafe.Pointer, ldc int, bias, rscale unsafe.Pointer"

// f32 writes C = (A·B + bias)·rscale over a tile of mr rows; without bias it
// adds to C. r is the register letter, w its bytes, b0 the first free register.
func (g *gen) f32(name string, mr int, r string, w, b0 int) {
	nb := 32 - b0 - 2
	if r == "Y" {
		nb = 16 - b0 - 2
	}
	g.fn(name, fmt.Sprintf("multiplies %d rows by %d columns of a panel.", mr, w/2), f32Params, 64)
	g.tile(mr)
	g.line("MOVQ bias+48(FP), AX")
	g.line("TESTQ AX, AX")
	g.line("JZ accumulate")
	for i := range 2 {
		g.line("VMOVUPS %d(AX), %s%d", i*w, r, b0+i)
	}
	for i := range mr {
		g.line("VMOVAPS %s%d, %s%d", r, b0, r, 2*i)
		g.line("VMOVAPS %s%d, %s%d", r, b0+1, r, 2*i+1)
	}
	g.line("JMP loop")
	g.label("accumulate")
	for i := range mr {
		g.line("VMOVUPS %s, %s%d", rowAddr(i, 0, "BX", cRegs), r, 2*i)
		g.line("VMOVUPS %s, %s%d", rowAddr(i, w, "BX", cRegs), r, 2*i+1)
	}
	g.label("loop")
	g.line("VMOVUPS (DI), %s%d", r, b0)
	g.line("VMOVUPS %d(DI), %s%d", w, r, b0+1)
	for i := range mr {
		t := b0 + 2 + i%nb
		g.line("VBROADCASTSS %s, %s%d", rowAddr(i, 0, "DX", aRegs), r, t)
		g.line("VFMADD231PS %s%d, %s%d, %s%d", r, b0, r, t, r, 2*i)
		g.line("VFMADD231PS %s%d, %s%d, %s%d", r, b0+1, r, t, r, 2*i+1)
	}
	g.advance(mr, 4)
	g.line("MOVQ rscale+56(FP), AX")
	g.line("TESTQ AX, AX")
	g.line("JZ store")
	for i := range mr {
		g.line("VBROADCASTSS %d(AX), %s%d", 4*i, r, b0)
		g.line("VMULPS %s%d, %s%d, %s%d", r, b0, r, 2*i, r, 2*i)
		g.line("VMULPS %s%d, %s%d, %s%d", r, b0, r, 2*i+1, r, 2*i+1)
	}
	g.label("store")
	for i := range mr {
		g.line("VMOVUPS %s%d, %s", r, 2*i, rowAddr(i, 0, "BX", cRegs))
		g.line("VMOVUPS %s%d, %s", r, 2*i+1, rowAddr(i, w, "BX", cRegs))
	}
	g.ret()
}

const i8Params = "k int, a unsafe.Pointer, lda int, b, c unsafe.Pointer, ldc int, colsum, cscale, rscale, nzp, bias unsafe.Pointer"

// vnni writes mr rows by 32 columns of unsigned by signed bytes.
func (g *gen) vnni(mr int) {
	g.fn(fmt.Sprintf("i8vnni%d", mr), fmt.Sprintf("multiplies %d rows by 32 columns, four bytes deep a step.", mr), i8Params, 88)
	g.tile(mr)
	g.line("MOVQ colsum+48(FP), AX")
	g.line("VMOVDQU32 (AX), Z24")
	g.line("VMOVDQU32 64(AX), Z25")
	g.line("MOVQ nzp+72(FP), AX")
	for i := range mr {
		g.line("VPBROADCASTD %d(AX), Z26", 4*i)
		g.line("VPMULLD Z24, Z26, Z%d", 2*i)
		g.line("VPMULLD Z25, Z26, Z%d", 2*i+1)
	}
	g.label("loop")
	g.line("VMOVDQU32 (DI), Z24")
	g.line("VMOVDQU32 64(DI), Z25")
	for i := range mr {
		t := 26 + i%6
		g.line("VPBROADCASTD %s, Z%d", rowAddr(i, 0, "DX", aRegs), t)
		g.line("VPDPBUSD Z24, Z%d, Z%d", t, 2*i)
		g.line("VPDPBUSD Z25, Z%d, Z%d", t, 2*i+1)
	}
	g.advance(mr, 4)
	g.line("MOVQ cscale+56(FP), AX")
	g.line("VMOVUPS (AX), Z24")
	g.line("VMOVUPS 64(AX), Z25")
	g.line("MOVQ bias+80(FP), AX")
	g.line("VMOVUPS (AX), Z26")
	g.line("VMOVUPS 64(AX), Z27")
	g.line("MOVQ rscale+64(FP), AX")
	for i := range mr {
		g.line("VBROADCASTSS %d(AX), Z28", 4*i)
		for h := range 2 {
			z := 2*i + h
			g.line("VCVTDQ2PS Z%d, Z%d", z, z)
			g.line("VMULPS Z28, Z%d, Z%d", z, z)
			g.line("VFMADD213PS Z%d, Z%d, Z%d", 26+h, 24+h, z)
			g.line("VMOVUPS Z%d, %s", z, rowAddr(i, 64*h, "BX", cRegs))
		}
	}
	g.ret()
}

// bf16 writes C = A·B + bias over a tile of mr rows by 32 columns of 16-bit
// floats, two deep a step. Go's assembler lacks the instructions: they are
// given as bytes.
func (g *gen) bf16(mr int) {
	g.fn(fmt.Sprintf("bf16avx512%d", mr), fmt.Sprintf("multiplies %d rows by 32 columns, two 16-bit floats deep a step.", mr), f32Params, 64)
	g.tile(mr)
	g.line("MOVQ bias+48(FP), AX")
	g.line("VMOVUPS (AX), Z24")
	g.line("VMOVUPS 64(AX), Z25")
	for i := range mr {
		g.line("VMOVAPS Z24, Z%d", 2*i)
		g.line("VMOVAPS Z25, Z%d", 2*i+1)
	}
	g.label("loop")
	g.line("VMOVDQU32 (DI), Z24")
	g.line("VMOVDQU32 64(DI), Z25")
	for i := range mr {
		t := 26 + i%6
		g.line("VPBROADCASTD %s, Z%d", rowAddr(i, 0, "DX", aRegs), t)
		g.evex(0x52, 2*i, t, 24, fmt.Sprintf("VDPBF16PS Z24, Z%d, Z%d", t, 2*i))
		g.evex(0x52, 2*i+1, t, 25, fmt.Sprintf("VDPBF16PS Z25, Z%d, Z%d", t, 2*i+1))
	}
	g.advance(mr, 4)
	for i := range mr {
		g.line("VMOVUPS Z%d, %s", 2*i, rowAddr(i, 0, "BX", cRegs))
		g.line("VMOVUPS Z%d, %s", 2*i+1, rowAddr(i, 64, "BX", cRegs))
	}
	g.ret()
}

// roundBF16 rounds n floats, a multiple of 16, to 16-bit ones.
func (g *gen) roundBF16() {
	g.fn("roundbf16", "rounds n floats, a multiple of 16, to 16-bit ones.", "x, h unsafe.Pointer, n int", 24)
	g.line("MOVQ x+0(FP), SI")
	g.line("MOVQ h+8(FP), DI")
	g.line("MOVQ n+16(FP), CX")
	g.label("loop")
	g.line("VMOVUPS (SI), Z0")
	g.evex(0x72, 1, 0, 0, "VCVTNEPS2BF16 Z0, Y1")
	g.line("VMOVDQU Y1, (DI)")
	g.line("ADDQ $64, SI")
	g.line("ADDQ $32, DI")
	g.line("SUBQ $16, CX")
	g.line("JNZ loop")
	g.ret()
}

// evex writes EVEX.512.F3.0F38.W0 op with registers only: reg, vvvv (0 where
// there is none) and rm.
func (g *gen) evex(op, reg, vvvv, rm int, text string) {
	not := func(v, bit int) int { return ^v >> bit & 1 }
	p0 := not(reg, 3)<<7 | not(rm, 4)<<6 | not(rm, 3)<<5 | not(reg, 4)<<4 | 2
	p1 := ^vvvv&15<<3 | 1<<2 | 2
	p2 := 2<<5 | not(vvvv, 4)<<3
	g.line("BYTE $0x62; BYTE $%#02x; BYTE $%#02x; BYTE $%#02x; BYTE $%#02x; BYTE $%#02x // %s", p0, p1, p2, op, 0xc0|reg&7<<3|rm&7, text)
}

// i8avx2 writes mr rows by 8 columns: bytes of B widened to 16 bits, A already
// 16 bits with its zero point taken off, so that no sum saturates.
func (g *gen) i8avx2(mr int) {
	g.fn(fmt.Sprintf("i8avx2%d", mr), fmt.Sprintf("multiplies %d rows by 8 columns, four deep a step.", mr), i8Params, 88)
	g.tile(mr)
	for i := range 2 * mr {
		g.line("VPXOR Y%d, Y%d, Y%d", i, i, i)
	}
	g.label("loop")
	g.line("VPMOVSXBW (DI), Y12")
	g.line("VPMOVSXBW 16(DI), Y13")
	for i := range mr {
		g.line("VPBROADCASTQ %s, Y14", rowAddr(i, 0, "DX", aRegs))
		g.line("VPMADDWD Y12, Y14, Y15")
		g.line("VPADDD Y15, Y%d, Y%d", 2*i, 2*i)
		g.line("VPMADDWD Y13, Y14, Y14")
		g.line("VPADDD Y14, Y%d, Y%d", 2*i+1, 2*i+1)
	}
	g.advance(mr, 8)
	g.line("MOVQ cscale+56(FP), AX")
	g.line("VMOVUPS (AX), Y12")
	g.line("MOVQ bias+80(FP), AX")
	g.line("VMOVUPS (AX), Y13")
	g.line("MOVQ rscale+64(FP), AX")
	for i := range mr {
		y := 2 * i
		g.line("VPHADDD Y%d, Y%d, Y%d", y+1, y, y)
		g.line("VPERMQ $0xD8, Y%d, Y%d", y, y)
		g.line("VCVTDQ2PS Y%d, Y%d", y, y)
		g.line("VBROADCASTSS %d(AX), Y14", 4*i)
		g.line("VMULPS Y14, Y%d, Y%d", y, y)
		g.line("VFMADD213PS Y13, Y12, Y%d", y)
		g.line("VMOVUPS Y%d, %s", y, rowAddr(i, 0, "BX", cRegs))
	}
	g.ret()
}

func (g *gen) table(name, typ string, fns []string) {
	fmt.Fprintf(&g.g, "\nvar %s = []%s{nil, %s}\n", name, typ, strings.Join(fns, ", "))
}

func main() {
	amd64()
	arm64()
}

func amd64() {
	g := &gen{}
	head := "// Code generated by gen; DO NOT EDIT.\n\n"
	g.s.WriteString(head + "#include \"textflag.h\"\n")
	g.g.WriteString(head + "package kernel\n\nimport \"unsafe\"\n")
	var f512, f256, vnni, avx2, bf16 []string
	for mr := 1; mr <= 12; mr++ {
		g.f32(fmt.Sprintf("f32avx512%d", mr), mr, "Z", 64, 24)
		g.vnni(mr)
		g.bf16(mr)
		f512 = append(f512, fmt.Sprintf("f32avx512%d", mr))
		vnni = append(vnni, fmt.Sprintf("i8vnni%d", mr))
		bf16 = append(bf16, fmt.Sprintf("bf16avx512%d", mr))
	}
	for mr := 1; mr <= 6; mr++ {
		g.f32(fmt.Sprintf("f32avx2%d", mr), mr, "Y", 32, 12)
		g.i8avx2(mr)
		f256 = append(f256, fmt.Sprintf("f32avx2%d", mr))
		avx2 = append(avx2, fmt.Sprintf("i8avx2%d", mr))
	}
	g.roundBF16()
	g.table("bf16avx512Tiles", "f32Tile", bf16)
	g.table("f32avx512Tiles", "f32Tile", f512)
	g.table("f32avx2Tiles", "f32Tile", f256)
	g.table("i8vnniTiles", "i8Tile", vnni)
	g.table("i8avx2Tiles", "i8Tile", avx2)
	constants(g)
	for _, isa := range []isa{{"avx512", 1}, {"avx2", 2}} {
		elementwise(g, isa)
	}
	write("kernels_amd64.s", g.s.String())
	write("kernels_amd64.go", g.g.String())
}

func write(name, text string) {
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		log.Fatal(err)
	}
}
