#include "textflag.h"

// Every kernel takes four rows at a time, gathered by ordinal. The pointers to
// the rows stand in R10 to R13, the query's in R15, the sums in registers 0 to
// 3.

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

// REDUCEI leaves the sums of the 16 lanes of A, B, C and D in X20.
#define REDUCEI(A, B, C, D) \
	VPUNPCKLDQ    B, A, Z20     \
	VPUNPCKHDQ    B, A, Z21     \
	VPADDD        Z20, Z21, Z20 \
	VPUNPCKLDQ    D, C, Z22     \
	VPUNPCKHDQ    D, C, Z23     \
	VPADDD        Z22, Z23, Z22 \
	VPUNPCKLQDQ   Z22, Z20, Z21 \
	VPUNPCKHQDQ   Z22, Z20, Z23 \
	VPADDD        Z21, Z23, Z20 \
	VEXTRACTI64X4 $1, Z20, Y21  \
	VPADDD        Y20, Y21, Y20 \
	VEXTRACTI32X4 $1, Y20, X21  \
	VPADDD        X20, X21, X20

// func batchF32AVX512(base *float32, strideBytes int, q *float32, blocks int, ids *uint32, count int, out *float32)
TEXT ·batchF32AVX512(SB), NOSPLIT, $0-56
	MOVQ base+0(FP), SI
	MOVQ strideBytes+8(FP), R8
	MOVQ q+16(FP), DI
	MOVQ blocks+24(FP), R9
	MOVQ ids+32(FP), BX
	MOVQ count+40(FP), CX
	MOVQ out+48(FP), DX

f512rows:
	ROWS
	VPXORQ Z0, Z0, Z0
	VPXORQ Z1, Z1, Z1
	VPXORQ Z2, Z2, Z2
	VPXORQ Z3, Z3, Z3
	MOVQ   DI, R15
	MOVQ   R9, AX

f512block:
	VMOVUPS     (R15), Z8
	VFMADD231PS (R10), Z8, Z0
	VFMADD231PS (R11), Z8, Z1
	VFMADD231PS (R12), Z8, Z2
	VFMADD231PS (R13), Z8, Z3
	ADVANCE(64, 64)
	DECQ        AX
	JNZ         f512block

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
	JNZ           f512rows
	VZEROUPPER
	RET

// func batchF32AVX2(base *float32, strideBytes int, q *float32, blocks int, ids *uint32, count int, out *float32)
TEXT ·batchF32AVX2(SB), NOSPLIT, $0-56
	MOVQ base+0(FP), SI
	MOVQ strideBytes+8(FP), R8
	MOVQ q+16(FP), DI
	MOVQ blocks+24(FP), R9
	MOVQ ids+32(FP), BX
	MOVQ count+40(FP), CX
	MOVQ out+48(FP), DX

f256rows:
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

f256block:
	VMOVUPS     (R15), Y8
	VMOVUPS     32(R15), Y9
	VFMADD231PS (R10), Y8, Y0
	VFMADD231PS (R11), Y8, Y1
	VFMADD231PS (R12), Y8, Y2
	VFMADD231PS (R13), Y8, Y3
	VFMADD231PS 32(R10), Y9, Y4
	VFMADD231PS 32(R11), Y9, Y5
	VFMADD231PS 32(R12), Y9, Y6
	VFMADD231PS 32(R13), Y9, Y7
	ADVANCE(64, 64)
	DECQ        AX
	JNZ         f256block

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
	JNZ          f256rows
	VZEROUPPER
	RET

// func batchU8VNNI(base *uint8, stride int, q *int8, blocks int, ids *uint32, count int, out *int32)
TEXT ·batchU8VNNI(SB), NOSPLIT, $0-56
	MOVQ base+0(FP), SI
	MOVQ stride+8(FP), R8
	MOVQ q+16(FP), DI
	MOVQ blocks+24(FP), R9
	MOVQ ids+32(FP), BX
	MOVQ count+40(FP), CX
	MOVQ out+48(FP), DX

u512rows:
	ROWS
	VPXORQ Z0, Z0, Z0
	VPXORQ Z1, Z1, Z1
	VPXORQ Z2, Z2, Z2
	VPXORQ Z3, Z3, Z3
	MOVQ   DI, R15
	MOVQ   R9, AX

u512block:
	VMOVDQU64 (R15), Z8
	VMOVDQU64 (R10), Z4
	VMOVDQU64 (R11), Z5
	VMOVDQU64 (R12), Z6
	VMOVDQU64 (R13), Z7
	VPDPBUSD  Z8, Z4, Z0
	VPDPBUSD  Z8, Z5, Z1
	VPDPBUSD  Z8, Z6, Z2
	VPDPBUSD  Z8, Z7, Z3
	ADVANCE(64, 64)
	DECQ      AX
	JNZ       u512block

	REDUCEI(Z0, Z1, Z2, Z3)
	VMOVDQU32 X20, (DX)
	ADDQ      $16, DX
	ADDQ      $16, BX
	SUBQ      $4, CX
	JNZ       u512rows
	VZEROUPPER
	RET

// U8ROW adds the products of 16 codes at R and the 16 words in Y8 to S. Words,
// because VPMADDUBSW would saturate.
#define U8ROW(R, S) \
	VPMOVZXBW (R), Y9     \
	VPMADDWD  Y8, Y9, Y9  \
	VPADDD    Y9, S, S

// func batchU8AVX2(base *uint8, stride int, q *int8, blocks int, ids *uint32, count int, out *int32)
TEXT ·batchU8AVX2(SB), NOSPLIT, $0-56
	MOVQ base+0(FP), SI
	MOVQ stride+8(FP), R8
	MOVQ q+16(FP), DI
	MOVQ blocks+24(FP), R9
	MOVQ ids+32(FP), BX
	MOVQ count+40(FP), CX
	MOVQ out+48(FP), DX
	SHLQ $2, R9

u256rows:
	ROWS
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	VPXOR Y2, Y2, Y2
	VPXOR Y3, Y3, Y3
	MOVQ  DI, R15
	MOVQ  R9, AX

u256block:
	VPMOVSXBW (R15), Y8
	U8ROW(R10, Y0)
	U8ROW(R11, Y1)
	U8ROW(R12, Y2)
	U8ROW(R13, Y3)
	ADVANCE(16, 16)
	DECQ      AX
	JNZ       u256block

	VPHADDD      Y1, Y0, Y0
	VPHADDD      Y3, Y2, Y2
	VPHADDD      Y2, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPADDD       X1, X0, X0
	VMOVDQU      X0, (DX)
	ADDQ         $16, DX
	ADDQ         $16, BX
	SUBQ         $4, CX
	JNZ          u256rows
	VZEROUPPER
	RET
