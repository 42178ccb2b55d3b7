#include "textflag.h"

// func prefetchRows(base *uint8, strideBytes, lines int, ids *uint32, count int)
TEXT ·prefetchRows(SB), NOSPLIT, $0-40
	MOVQ base+0(FP), SI
	MOVQ strideBytes+8(FP), R8
	MOVQ lines+16(FP), R9
	MOVQ ids+24(FP), BX
	MOVQ count+32(FP), CX

row:
	MOVL  (BX), R10
	IMULQ R8, R10
	ADDQ  SI, R10
	MOVQ  R9, AX

line:
	PREFETCHT0 (R10)
	ADDQ       $64, R10
	DECQ       AX
	JNZ        line

	ADDQ $4, BX
	DECQ CX
	JNZ  row
	RET

// func prefetchOffsets(base *uint8, offsets *uint64, count int)
TEXT ·prefetchOffsets(SB), NOSPLIT, $0-24
	MOVQ base+0(FP), SI
	MOVQ offsets+8(FP), BX
	MOVQ count+16(FP), CX

offset:
	MOVQ       (BX), AX
	PREFETCHT0 (SI)(AX*1)
	ADDQ       $8, BX
	DECQ       CX
	JNZ        offset
	RET
