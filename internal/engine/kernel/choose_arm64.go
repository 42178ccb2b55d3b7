package kernel

// supported lists what this processor runs, slowest first. Every arm64 has
// NEON.
func supported() []implementation {
	neon := scalar
	neon.name, neon.scanBits = "neon", scanBitsNEON
	return []implementation{scalar, neon}
}

//go:noescape
func sumBitsNEON(records, planes *uint8, blocks int, ids *uint32, count int, out *int32)

// scanBitsNEON counts bits in assembly; what is left for each record is short.
func scanBitsNEON(outIDs []uint32, out []float32, q *BitQuery, records []byte, ids []uint32, above float32) int {
	return scanSums(outIDs, out, q, records, ids, above, func(sums []int32, ids []uint32) {
		sumBitsNEON(&records[0], &q.Planes[0], len(q.Planes)/(4*BitBlock), &ids[0], len(ids), &sums[0])
	})
}
