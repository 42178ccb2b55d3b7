//go:build amd64 || arm64

package kernel

import (
	"encoding/binary"
	"math"
)

// sumRows go through a kernel that only counts bits at once.
const sumRows = 128

// scanSums is ScanBits by a kernel that sets sums to Σ 2^j popcount(record ∧
// plane j) of records.
func scanSums(outIDs []uint32, out []float32, q *BitQuery, records []byte, ids []uint32, above float32, count func(sums []int32, ids []uint32)) int {
	size := len(q.Planes) / 4
	var sums [sumRows]int32
	n := 0
	for len(ids) > 0 {
		batch := ids[:min(sumRows, len(ids))]
		ids = ids[len(batch):]
		count(sums[:len(batch)], batch)
		for i, id := range batch {
			tail := records[(int(id)+1)*size-BitTail:][:BitTail]
			factor := math.Float32frombits(binary.LittleEndian.Uint32(tail))
			ones := float32(binary.LittleEndian.Uint32(tail[4:]))
			if estimate := factor * (q.A*float32(sums[i]) + q.B*ones + q.C); estimate > above {
				outIDs[n], out[n] = id, estimate
				n++
			}
		}
	}
	return n
}
