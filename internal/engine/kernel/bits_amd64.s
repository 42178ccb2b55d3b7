#include "textflag.h"

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

// PLANE leaves in Z8 to Z11 how many bits of the records in Z4 to Z7 are set
// in the plane P, per 64-bit word.
#define PLANE(P) \
	VPANDQ   P, Z4, Z8   \
	VPANDQ   P, Z5, Z9   \
	VPANDQ   P, Z6, Z10  \
	VPANDQ   P, Z7, Z11  \
	VPOPCNTQ Z8, Z8      \
	VPOPCNTQ Z9, Z9      \
	VPOPCNTQ Z10, Z10    \
	VPOPCNTQ Z11, Z11

// ADDTO adds Z8 to Z11 to four sums; DOUBLE doubles them.
#define ADDTO(A, B, C, D) \
	VPADDQ Z8, A, A  \
	VPADDQ Z9, B, B  \
	VPADDQ Z10, C, C \
	VPADDQ Z11, D, D

#define DOUBLE(A, B, C, D) \
	VPADDQ A, A, A \
	VPADDQ B, B, B \
	VPADDQ C, C, C \
	VPADDQ D, D, D

// EMIT turns the sums in X20 into estimates with the tails of the last blocks
// in Z4 to Z7, and writes what is above the threshold. X24 to X27 hold A, B, C
// and the threshold; R15 counts what was written.
#define EMIT(done) \
	VCVTDQ2PS     X20, X20           \
	VEXTRACTI32X4 $3, Z4, X4         \
	VEXTRACTI32X4 $3, Z5, X5         \
	VEXTRACTI32X4 $3, Z6, X6         \
	VEXTRACTI32X4 $3, Z7, X7         \
	VPUNPCKLDQ    X5, X4, X8         \
	VPUNPCKLDQ    X7, X6, X9         \
	VPUNPCKLQDQ   X9, X8, X10        \
	VPUNPCKHQDQ   X9, X8, X11        \
	VCVTDQ2PS     X11, X11           \
	VMULPS        X20, X24, X20      \
	VFMADD231PS   X11, X25, X20      \
	VADDPS        X20, X26, X20      \
	VMULPS        X10, X20, X20      \
	VCMPPS        $14, X27, X20, K1  \
	KMOVW         K1, AX             \
	TESTL         AX, AX             \
	JZ            done               \
	VMOVDQU       (BX), X12          \
	VPCOMPRESSD   X12, K1, (DX)(R15*4) \
	VCOMPRESSPS   X20, K1, (R9)(R15*4) \
	POPCNTL       AX, AX             \
	ADDQ          AX, R15

// func scanBitsOneAVX512(records, planes *uint8, ids *uint32, count int, coefficients *float32, outIDs *uint32, out *float32) int
//
// Records of one block. The planes stay in registers, and records 24 ahead are
// prefetched: a filtered scan jumps about in memory.
TEXT ·scanBitsOneAVX512(SB), NOSPLIT, $0-64
	MOVQ records+0(FP), SI
	MOVQ planes+8(FP), DI
	MOVQ ids+16(FP), BX
	MOVQ count+24(FP), CX
	MOVQ coefficients+32(FP), AX
	MOVQ outIDs+40(FP), DX
	MOVQ out+48(FP), R9
	VBROADCASTSS (AX), X24
	VBROADCASTSS 4(AX), X25
	VBROADCASTSS 8(AX), X26
	VBROADCASTSS 12(AX), X27
	VMOVDQU64 (DI), Z16
	VMOVDQU64 64(DI), Z17
	VMOVDQU64 128(DI), Z18
	VMOVDQU64 192(DI), Z19
	XORQ R15, R15

one:
	CMPQ       CX, $28
	JLT        onenear
	MOVL       96(BX), R10
	MOVL       100(BX), R11
	MOVL       104(BX), R12
	MOVL       108(BX), R13
	SHLQ       $6, R10
	SHLQ       $6, R11
	SHLQ       $6, R12
	SHLQ       $6, R13
	PREFETCHT0 (SI)(R10*1)
	PREFETCHT0 (SI)(R11*1)
	PREFETCHT0 (SI)(R12*1)
	PREFETCHT0 (SI)(R13*1)

onenear:
	MOVL      (BX), R10
	MOVL      4(BX), R11
	MOVL      8(BX), R12
	MOVL      12(BX), R13
	SHLQ      $6, R10
	SHLQ      $6, R11
	SHLQ      $6, R12
	SHLQ      $6, R13
	VMOVDQU64 (SI)(R10*1), Z4
	VMOVDQU64 (SI)(R11*1), Z5
	VMOVDQU64 (SI)(R12*1), Z6
	VMOVDQU64 (SI)(R13*1), Z7
	PLANE(Z19)
	VPADDQ    Z8, Z8, Z0
	VPADDQ    Z9, Z9, Z1
	VPADDQ    Z10, Z10, Z2
	VPADDQ    Z11, Z11, Z3
	PLANE(Z18)
	ADDTO(Z0, Z1, Z2, Z3)
	DOUBLE(Z0, Z1, Z2, Z3)
	PLANE(Z17)
	ADDTO(Z0, Z1, Z2, Z3)
	DOUBLE(Z0, Z1, Z2, Z3)
	PLANE(Z16)
	ADDTO(Z0, Z1, Z2, Z3)
	REDUCEI(Z0, Z1, Z2, Z3)
	EMIT(onenext)

onenext:
	ADDQ $16, BX
	SUBQ $4, CX
	JNZ  one
	VZEROUPPER
	MOVQ R15, ret+56(FP)
	RET

// func scanBitsManyAVX512(records, planes *uint8, blocks int, ids *uint32, count int, coefficients *float32, outIDs *uint32, out *float32) int
//
// Records of any number of blocks: R8 is a record's size, and a plane's.
TEXT ·scanBitsManyAVX512(SB), NOSPLIT, $0-72
	MOVQ records+0(FP), SI
	MOVQ blocks+16(FP), R8
	MOVQ ids+24(FP), BX
	MOVQ count+32(FP), CX
	MOVQ coefficients+40(FP), AX
	MOVQ outIDs+48(FP), DX
	MOVQ out+56(FP), R9
	VBROADCASTSS (AX), X24
	VBROADCASTSS 4(AX), X25
	VBROADCASTSS 8(AX), X26
	VBROADCASTSS 12(AX), X27
	SHLQ $6, R8
	XORQ R15, R15

many:
	MOVL   (BX), R10
	MOVL   4(BX), R11
	MOVL   8(BX), R12
	MOVL   12(BX), R13
	IMULQ  R8, R10
	IMULQ  R8, R11
	IMULQ  R8, R12
	IMULQ  R8, R13
	ADDQ   SI, R10
	ADDQ   SI, R11
	ADDQ   SI, R12
	ADDQ   SI, R13
	VPXORQ Z0, Z0, Z0
	VPXORQ Z1, Z1, Z1
	VPXORQ Z2, Z2, Z2
	VPXORQ Z3, Z3, Z3
	MOVQ   planes+8(FP), DI
	MOVQ   blocks+16(FP), AX

manyblock:
	VMOVDQU64 (R10), Z4
	VMOVDQU64 (R11), Z5
	VMOVDQU64 (R12), Z6
	VMOVDQU64 (R13), Z7
	VMOVDQU64 (DI), Z16
	VMOVDQU64 (DI)(R8*1), Z17
	LEAQ      (DI)(R8*2), R14
	VMOVDQU64 (R14), Z18
	VMOVDQU64 (R14)(R8*1), Z19
	PLANE(Z19)
	VPADDQ    Z8, Z8, Z12
	VPADDQ    Z9, Z9, Z13
	VPADDQ    Z10, Z10, Z14
	VPADDQ    Z11, Z11, Z15
	PLANE(Z18)
	ADDTO(Z12, Z13, Z14, Z15)
	DOUBLE(Z12, Z13, Z14, Z15)
	PLANE(Z17)
	ADDTO(Z12, Z13, Z14, Z15)
	DOUBLE(Z12, Z13, Z14, Z15)
	PLANE(Z16)
	ADDTO(Z12, Z13, Z14, Z15)
	VPADDQ    Z12, Z0, Z0
	VPADDQ    Z13, Z1, Z1
	VPADDQ    Z14, Z2, Z2
	VPADDQ    Z15, Z3, Z3
	ADDQ      $64, DI
	ADDQ      $64, R10
	ADDQ      $64, R11
	ADDQ      $64, R12
	ADDQ      $64, R13
	DECQ      AX
	JNZ       manyblock

	REDUCEI(Z0, Z1, Z2, Z3)
	EMIT(manynext)

manynext:
	ADDQ $16, BX
	SUBQ $4, CX
	JNZ  many
	VZEROUPPER
	MOVQ R15, ret+64(FP)
	RET
