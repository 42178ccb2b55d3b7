#include "textflag.h"

// PLANE adds to the bytes of V8 to V11, doubled before, how many bits of the
// record in V0 to V3 are set in the 64 bytes of a plane at a register, which it moves on.
#define PLANE(at) \
	VLD1.P 64(at), [V4.B16, V5.B16, V6.B16, V7.B16] \
	VADD   V8.B16, V8.B16, V8.B16    \
	VADD   V9.B16, V9.B16, V9.B16    \
	VADD   V10.B16, V10.B16, V10.B16 \
	VADD   V11.B16, V11.B16, V11.B16 \
	VAND   V0.B16, V4.B16, V4.B16    \
	VAND   V1.B16, V5.B16, V5.B16    \
	VAND   V2.B16, V6.B16, V6.B16    \
	VAND   V3.B16, V7.B16, V7.B16    \
	VCNT   V4.B16, V4.B16            \
	VCNT   V5.B16, V5.B16            \
	VCNT   V6.B16, V6.B16            \
	VCNT   V7.B16, V7.B16            \
	VADD   V4.B16, V8.B16, V8.B16    \
	VADD   V5.B16, V9.B16, V9.B16    \
	VADD   V6.B16, V10.B16, V10.B16  \
	VADD   V7.B16, V11.B16, V11.B16

// func sumBitsNEON(records, planes *uint8, blocks int, ids *uint32, count int, out *int32)
//
// Sets out to Σ 2^j popcount(record ∧ plane j) for each record.
TEXT ·sumBitsNEON(SB), NOSPLIT, $0-48
	MOVD records+0(FP), R0
	MOVD planes+8(FP), R1
	MOVD blocks+16(FP), R2
	MOVD ids+24(FP), R3
	MOVD count+32(FP), R4
	MOVD out+40(FP), R5
	LSL  $6, R2, R6

record:
	MOVWU.P 4(R3), R7
	MUL     R6, R7, R7
	ADD     R0, R7, R7
	MOVD    R1, R8
	ADD     R6, R8, R9
	ADD     R6, R9, R10
	ADD     R6, R10, R11
	MOVD    ZR, R12
	MOVD    R2, R13

block:
	VLD1.P  64(R7), [V0.B16, V1.B16, V2.B16, V3.B16]
	VEOR    V8.B16, V8.B16, V8.B16
	VEOR    V9.B16, V9.B16, V9.B16
	VEOR    V10.B16, V10.B16, V10.B16
	VEOR    V11.B16, V11.B16, V11.B16
	PLANE(R11)
	PLANE(R10)
	PLANE(R9)
	PLANE(R8)

	// At most 8·15 in each byte: two fit one.
	VADD    V9.B16, V8.B16, V8.B16
	VADD    V11.B16, V10.B16, V10.B16
	VUADDLV V8.B16, V8
	VUADDLV V10.B16, V10
	VMOV    V8.H[0], R14
	VMOV    V10.H[0], R15
	ADD     R14, R12, R12
	ADD     R15, R12, R12
	SUBS    $1, R13, R13
	BNE     block

	MOVW.P R12, 4(R5)
	SUBS   $1, R4, R4
	BNE    record
	RET
