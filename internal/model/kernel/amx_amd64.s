#include "textflag.h"

// Go's assembler has no AMX: the instructions are given as bytes.

// func amxPanel(a unsafe.Pointer, lda int, b, c unsafe.Pointer, blocks, kb int, cfg unsafe.Pointer)
// multiplies blocks of 32 rows of unsigned bytes of a, 64·kb deep, by a panel
// of 32 columns of signed bytes; c receives 32 32-bit integers a row.
TEXT ·amxPanel(SB), NOSPLIT, $0-56
	MOVQ cfg+48(FP), AX
	BYTE $0xc4; BYTE $0xe2; BYTE $0x78; BYTE $0x49; BYTE $0x00                           // LDTILECFG (AX)
	MOVQ lda+8(FP), R8
	MOVQ $128, R9
	MOVQ $128, R11
	MOVQ c+24(FP), R10
	MOVQ a+0(FP), R15
	MOVQ blocks+32(FP), AX

block:
	MOVQ R15, DI                                                                         // rows 0 to 15
	MOVQ R8, SI
	SHLQ $4, SI
	ADDQ DI, SI                                                                          // rows 16 to 31
	MOVQ b+16(FP), DX                                                                    // columns 0 to 15
	LEAQ 64(DX), CX                                                                      // columns 16 to 31
	MOVQ kb+40(FP), BX
	BYTE $0xc4; BYTE $0xe2; BYTE $0x7b; BYTE $0x49; BYTE $0xc0                           // TILEZERO tmm0
	BYTE $0xc4; BYTE $0xe2; BYTE $0x7b; BYTE $0x49; BYTE $0xc8                           // TILEZERO tmm1
	BYTE $0xc4; BYTE $0xe2; BYTE $0x7b; BYTE $0x49; BYTE $0xd0                           // TILEZERO tmm2
	BYTE $0xc4; BYTE $0xe2; BYTE $0x7b; BYTE $0x49; BYTE $0xd8                           // TILEZERO tmm3

deep:
	BYTE $0xc4; BYTE $0xa2; BYTE $0x7b; BYTE $0x4b; BYTE $0x24; BYTE $0x07               // TILELOADD tmm4, (DI)(R8)
	BYTE $0xc4; BYTE $0xa2; BYTE $0x7b; BYTE $0x4b; BYTE $0x34; BYTE $0x0a               // TILELOADD tmm6, (DX)(R9)
	BYTE $0xc4; BYTE $0xa2; BYTE $0x7b; BYTE $0x4b; BYTE $0x2c; BYTE $0x06               // TILELOADD tmm5, (SI)(R8)
	BYTE $0xc4; BYTE $0xa2; BYTE $0x7b; BYTE $0x4b; BYTE $0x3c; BYTE $0x09               // TILELOADD tmm7, (CX)(R9)
	BYTE $0xc4; BYTE $0xe2; BYTE $0x49; BYTE $0x5e; BYTE $0xc4                           // TDPBUSD tmm0, tmm4, tmm6
	BYTE $0xc4; BYTE $0xe2; BYTE $0x41; BYTE $0x5e; BYTE $0xcc                           // TDPBUSD tmm1, tmm4, tmm7
	BYTE $0xc4; BYTE $0xe2; BYTE $0x49; BYTE $0x5e; BYTE $0xd5                           // TDPBUSD tmm2, tmm5, tmm6
	BYTE $0xc4; BYTE $0xe2; BYTE $0x41; BYTE $0x5e; BYTE $0xdd                           // TDPBUSD tmm3, tmm5, tmm7
	ADDQ $64, DI
	ADDQ $64, SI
	ADDQ $2048, DX
	ADDQ $2048, CX
	DECQ BX
	JNZ  deep
	LEAQ 64(R10), R12
	LEAQ 2048(R10), R13
	LEAQ 2112(R10), BX
	BYTE $0xc4; BYTE $0x82; BYTE $0x7a; BYTE $0x4b; BYTE $0x04; BYTE $0x1a               // TILESTORED (R10)(R11), tmm0
	BYTE $0xc4; BYTE $0x82; BYTE $0x7a; BYTE $0x4b; BYTE $0x0c; BYTE $0x1c               // TILESTORED (R12)(R11), tmm1
	BYTE $0xc4; BYTE $0x82; BYTE $0x7a; BYTE $0x4b; BYTE $0x54; BYTE $0x1d; BYTE $0x00   // TILESTORED (R13)(R11), tmm2
	BYTE $0xc4; BYTE $0xa2; BYTE $0x7a; BYTE $0x4b; BYTE $0x1c; BYTE $0x1b               // TILESTORED (BX)(R11), tmm3
	ADDQ $4096, R10
	MOVQ R8, DX
	SHLQ $5, DX
	ADDQ DX, R15
	DECQ AX
	JNZ  block
	BYTE $0xc4; BYTE $0xe2; BYTE $0x78; BYTE $0x49; BYTE $0xc0                           // TILERELEASE
	RET

// func amxFinish(c unsafe.Pointer, rows int, out unsafe.Pointer, ldc int, colsum, cscale, rscale, nzp, bias unsafe.Pointer)
// turns rows > 0 rows of 32 sums into floats as the VNNI kernel does.
TEXT ·amxFinish(SB), NOSPLIT, $0-72
	MOVQ    c+0(FP), SI
	MOVQ    rows+8(FP), CX
	MOVQ    out+16(FP), DI
	MOVQ    ldc+24(FP), DX
	MOVQ    colsum+32(FP), AX
	VMOVUPS (AX), Z8
	VMOVUPS 64(AX), Z9
	MOVQ    cscale+40(FP), AX
	VMOVUPS (AX), Z10
	VMOVUPS 64(AX), Z11
	MOVQ    bias+64(FP), AX
	VMOVUPS (AX), Z12
	VMOVUPS 64(AX), Z13
	MOVQ    rscale+48(FP), R8
	MOVQ    nzp+56(FP), R9

row:
	VPBROADCASTD (R9), Z4
	VBROADCASTSS (R8), Z5
	VPMULLD      Z8, Z4, Z0
	VPMULLD      Z9, Z4, Z1
	VPADDD       (SI), Z0, Z0
	VPADDD       64(SI), Z1, Z1
	VCVTDQ2PS    Z0, Z0
	VCVTDQ2PS    Z1, Z1
	VMULPS       Z5, Z0, Z0
	VMULPS       Z5, Z1, Z1
	VFMADD213PS  Z12, Z10, Z0
	VFMADD213PS  Z13, Z11, Z1
	VMOVUPS      Z0, (DI)
	VMOVUPS      Z1, 64(DI)
	ADDQ         $128, SI
	ADDQ         DX, DI
	ADDQ         $4, R8
	ADDQ         $4, R9
	DECQ         CX
	JNZ          row
	VZEROUPPER
	RET
