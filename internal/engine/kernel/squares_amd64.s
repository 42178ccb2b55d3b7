#include "textflag.h"

// Squared distances, four rows at a time, as dots_amd64.s takes products.

// ROWS sets R10 to R13 to the rows whose ordinals stand at BX; R8 is the
// stride in bytes, SI the base.
#define ROWS \
	MOVL  (BX), R10   \
	MOVL  4(BX), R11  \
	MOVL  8(BX), R12  \
	MOVL  12(BX), R13 \
	IMULQ R8, R10     \
	IMULQ R8, R11     \
	IMULQ R8, R12     \
	IMULQ R8, R13     \
	ADDQ  SI, R10     \
	ADDQ  SI, R11     \
	ADDQ  SI, R12     \
	ADDQ  SI, R13

// ADVANCE moves the four rows on by n bytes, and the query by m.
#define ADVANCE(n, m) \
	ADDQ $m, R15 \
	ADDQ $n, R10 \
	ADDQ $n, R11 \
	ADDQ $n, R12 \
	ADDQ $n, R13

// func squaresF32AVX512(base *float32, strideBytes int, q *float32, blocks int, ids *uint32, count int, out *float32)
TEXT ·squaresF32AVX512(SB), NOSPLIT, $0-56
	MOVQ base+0(FP), SI
	MOVQ strideBytes+8(FP), R8
	MOVQ q+16(FP), DI
	MOVQ blocks+24(FP), R9
	MOVQ ids+32(FP), BX
	MOVQ count+40(FP), CX
	MOVQ out+48(FP), DX

s512rows:
	ROWS
	VPXORQ Z0, Z0, Z0
	VPXORQ Z1, Z1, Z1
	VPXORQ Z2, Z2, Z2
	VPXORQ Z3, Z3, Z3
	MOVQ   DI, R15
	MOVQ   R9, AX

s512block:
	VMOVUPS     (R15), Z8
	VSUBPS      (R10), Z8, Z4
	VSUBPS      (R11), Z8, Z5
	VSUBPS      (R12), Z8, Z6
	VSUBPS      (R13), Z8, Z7
	VFMADD231PS Z4, Z4, Z0
	VFMADD231PS Z5, Z5, Z1
	VFMADD231PS Z6, Z6, Z2
	VFMADD231PS Z7, Z7, Z3
	ADVANCE(64, 64)
	DECQ        AX
	JNZ         s512block

	VUNPCKLPS     Z1, Z0, Z20
	VUNPCKHPS     Z1, Z0, Z21
	VADDPS        Z20, Z21, Z20
	VUNPCKLPS     Z3, Z2, Z22
	VUNPCKHPS     Z3, Z2, Z23
	VADDPS        Z22, Z23, Z22
	VUNPCKLPD     Z22, Z20, Z21
	VUNPCKHPD     Z22, Z20, Z23
	VADDPS        Z21, Z23, Z20
	VEXTRACTF64X4 $1, Z20, Y21
	VADDPS        Y20, Y21, Y20
	VEXTRACTF32X4 $1, Y20, X21
	VADDPS        X20, X21, X20
	VMOVUPS       X20, (DX)
	ADDQ          $16, DX
	ADDQ          $16, BX
	SUBQ          $4, CX
	JNZ           s512rows
	VZEROUPPER
	RET

// func squaresF32AVX2(base *float32, strideBytes int, q *float32, blocks int, ids *uint32, count int, out *float32)
TEXT ·squaresF32AVX2(SB), NOSPLIT, $0-56
	MOVQ base+0(FP), SI
	MOVQ strideBytes+8(FP), R8
	MOVQ q+16(FP), DI
	MOVQ blocks+24(FP), R9
	MOVQ ids+32(FP), BX
	MOVQ count+40(FP), CX
	MOVQ out+48(FP), DX

s256rows:
	ROWS
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7
	MOVQ   DI, R15
	MOVQ   R9, AX

s256block:
	VMOVUPS     (R15), Y8
	VMOVUPS     32(R15), Y9
	VSUBPS      (R10), Y8, Y10
	VSUBPS      (R11), Y8, Y11
	VSUBPS      (R12), Y8, Y12
	VSUBPS      (R13), Y8, Y13
	VFMADD231PS Y10, Y10, Y0
	VFMADD231PS Y11, Y11, Y1
	VFMADD231PS Y12, Y12, Y2
	VFMADD231PS Y13, Y13, Y3
	VSUBPS      32(R10), Y9, Y10
	VSUBPS      32(R11), Y9, Y11
	VSUBPS      32(R12), Y9, Y12
	VSUBPS      32(R13), Y9, Y13
	VFMADD231PS Y10, Y10, Y4
	VFMADD231PS Y11, Y11, Y5
	VFMADD231PS Y12, Y12, Y6
	VFMADD231PS Y13, Y13, Y7
	ADVANCE(64, 64)
	DECQ        AX
	JNZ         s256block

	VADDPS       Y4, Y0, Y0
	VADDPS       Y5, Y1, Y1
	VADDPS       Y6, Y2, Y2
	VADDPS       Y7, Y3, Y3
	VHADDPS      Y1, Y0, Y0
	VHADDPS      Y3, Y2, Y2
	VHADDPS      Y2, Y0, Y0
	VEXTRACTF128 $1, Y0, X1
	VADDPS       X1, X0, X0
	VMOVUPS      X0, (DX)
	ADDQ         $16, DX
	ADDQ         $16, BX
	SUBQ         $4, CX
	JNZ          s256rows
	VZEROUPPER
	RET
