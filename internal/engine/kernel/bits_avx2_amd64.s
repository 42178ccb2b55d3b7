#include "textflag.h"

// How many bits a nibble has, twice over.
DATA nibbles<>+0(SB)/8, $0x0302020102010100
DATA nibbles<>+8(SB)/8, $0x0403030203020201
DATA nibbles<>+16(SB)/8, $0x0302020102010100
DATA nibbles<>+24(SB)/8, $0x0403030203020201
GLOBL nibbles<>(SB), RODATA|NOPTR, $32

DATA low<>+0(SB)/8, $0x0f0f0f0f0f0f0f0f
DATA low<>+8(SB)/8, $0x0f0f0f0f0f0f0f0f
DATA low<>+16(SB)/8, $0x0f0f0f0f0f0f0f0f
DATA low<>+24(SB)/8, $0x0f0f0f0f0f0f0f0f
GLOBL low<>(SB), RODATA|NOPTR, $32

// COUNT leaves in C, per byte, how many bits of R are set in the plane at P
// (Mula's method: a table look-up for each nibble). Y0 holds the table, Y1 the
// mask of low nibbles; T is overwritten.
#define COUNT(P, R, C, T) \
	VPAND   P, R, C   \
	VPSRLW  $4, C, T  \
	VPAND   Y1, C, C  \
	VPAND   Y1, T, T  \
	VPSHUFB C, Y0, C  \
	VPSHUFB T, Y0, T  \
	VPADDB  T, C, C

// HALF adds to the bytes of S the weighted counts of the 32 bytes of a record
// at R10: 8·15 at most, so that two halves fit a byte. R11 to R14 point to the
// planes, least weight first.
#define HALF(at, S) \
	VMOVDQU at(R10), Y4        \
	COUNT(at(R14), Y4, Y5, Y6) \
	VPADDB  Y5, Y5, Y5         \
	COUNT(at(R13), Y4, Y7, Y6) \
	VPADDB  Y7, Y5, Y5         \
	VPADDB  Y5, Y5, Y5         \
	COUNT(at(R12), Y4, Y7, Y6) \
	VPADDB  Y7, Y5, Y5         \
	VPADDB  Y5, Y5, Y5         \
	COUNT(at(R11), Y4, Y7, Y6) \
	VPADDB  Y7, Y5, Y5         \
	VPADDB  Y5, S, S

// func sumBitsAVX2(records, planes *uint8, blocks int, ids *uint32, count int, out *int32)
//
// Sets out to Σ 2^j popcount(record ∧ plane j) for each record.
TEXT ·sumBitsAVX2(SB), NOSPLIT, $0-48
	MOVQ    records+0(FP), SI
	MOVQ    planes+8(FP), DI
	MOVQ    blocks+16(FP), R8
	MOVQ    ids+24(FP), BX
	MOVQ    count+32(FP), CX
	MOVQ    out+40(FP), DX
	VMOVDQU nibbles<>(SB), Y0
	VMOVDQU low<>(SB), Y1
	VPXOR   Y2, Y2, Y2
	MOVQ    R8, R9
	SHLQ    $6, R9

record:
	MOVL  (BX), R10
	IMULQ R9, R10
	ADDQ  SI, R10
	MOVQ  DI, R11
	LEAQ  (R11)(R9*1), R12
	LEAQ  (R12)(R9*1), R13
	LEAQ  (R13)(R9*1), R14
	VPXOR Y3, Y3, Y3
	MOVQ  R8, AX

block:
	VPXOR   Y8, Y8, Y8
	HALF(0, Y8)
	HALF(32, Y8)
	VPSADBW Y2, Y8, Y8
	VPADDQ  Y8, Y3, Y3
	ADDQ    $64, R10
	ADDQ    $64, R11
	ADDQ    $64, R12
	ADDQ    $64, R13
	ADDQ    $64, R14
	DECQ    AX
	JNZ     block

	VEXTRACTI128 $1, Y3, X4
	VPADDQ       X4, X3, X3
	VPSHUFD      $0x4e, X3, X4
	VPADDQ       X4, X3, X3
	VMOVD        X3, (DX)
	ADDQ         $4, DX
	ADDQ         $4, BX
	DECQ         CX
	JNZ          record
	VZEROUPPER
	RET
