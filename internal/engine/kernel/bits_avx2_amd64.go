package kernel

//go:noescape
func sumBitsAVX2(records, planes *uint8, blocks int, ids *uint32, count int, out *int32)

// scanBitsAVX2 counts bits in assembly; what is left for each record is short.
func scanBitsAVX2(outIDs []uint32, out []float32, q *BitQuery, records []byte, ids []uint32, above float32) int {
	return scanSums(outIDs, out, q, records, ids, above, func(sums []int32, ids []uint32) {
		sumBitsAVX2(&records[0], &q.Planes[0], len(q.Planes)/(4*BitBlock), &ids[0], len(ids), &sums[0])
	})
}
