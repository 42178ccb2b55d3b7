package kernel

import "golang.org/x/sys/cpu"

// supported lists what this processor runs, slowest first.
func supported() []implementation {
	list := []implementation{scalar}
	x := cpu.X86
	if x.HasAVX2 && x.HasFMA {
		list = append(list, implementation{
			name:       "avx2",
			dotsF32:    withF32(batchF32AVX2),
			squaresF32: withF32(squaresF32AVX2),
			dotsU8:     withU8(batchU8AVX2),
			scanBits:   scanBitsAVX2,
		})
	}
	if x.HasAVX2 && x.HasFMA && x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL &&
		x.HasAVX512VNNI && x.HasAVX512VPOPCNTDQ {
		list = append(list, implementation{
			name:       "avx512_vnni",
			dotsF32:    withF32(batchF32AVX512),
			squaresF32: withF32(squaresF32AVX512),
			dotsU8:     withU8(batchU8VNNI),
			scanBits:   scanBitsAVX512,
		})
	}
	return list
}

func withF32(f func(base *float32, strideBytes int, q *float32, blocks int, ids *uint32, count int, out *float32)) func(out, q, base []float32, ids []uint32) {
	return func(out, q, base []float32, ids []uint32) {
		f(&base[0], len(q)*4, &q[0], len(q)/FloatBlock, &ids[0], len(ids), &out[0])
	}
}

func withU8(f func(base *uint8, stride int, q *int8, blocks int, ids *uint32, count int, out *int32)) func(out []int32, q []int8, base []uint8, ids []uint32) {
	return func(out []int32, q []int8, base []uint8, ids []uint32) {
		f(&base[0], len(q), &q[0], len(q)/CodeBlock, &ids[0], len(ids), &out[0])
	}
}

func scanBitsAVX512(outIDs []uint32, out []float32, q *BitQuery, records []byte, ids []uint32, above float32) int {
	coefficients := [4]float32{q.A, q.B, q.C, above}
	blocks := len(q.Planes) / (4 * BitBlock)
	if blocks == 1 {
		return scanBitsOneAVX512(&records[0], &q.Planes[0], &ids[0], len(ids), &coefficients[0], &outIDs[0], &out[0])
	}
	return scanBitsManyAVX512(&records[0], &q.Planes[0], blocks, &ids[0], len(ids), &coefficients[0], &outIDs[0], &out[0])
}

//go:noescape
func batchF32AVX512(base *float32, strideBytes int, q *float32, blocks int, ids *uint32, count int, out *float32)

//go:noescape
func batchF32AVX2(base *float32, strideBytes int, q *float32, blocks int, ids *uint32, count int, out *float32)

//go:noescape
func squaresF32AVX512(base *float32, strideBytes int, q *float32, blocks int, ids *uint32, count int, out *float32)

//go:noescape
func squaresF32AVX2(base *float32, strideBytes int, q *float32, blocks int, ids *uint32, count int, out *float32)

//go:noescape
func batchU8VNNI(base *uint8, stride int, q *int8, blocks int, ids *uint32, count int, out *int32)

//go:noescape
func batchU8AVX2(base *uint8, stride int, q *int8, blocks int, ids *uint32, count int, out *int32)

//go:noescape
func scanBitsOneAVX512(records, planes *uint8, ids *uint32, count int, coefficients *float32, outIDs *uint32, out *float32) int

//go:noescape
func scanBitsManyAVX512(records, planes *uint8, blocks int, ids *uint32, count int, coefficients *float32, outIDs *uint32, out *float32) int
