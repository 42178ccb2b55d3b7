package quant

import (
	"encoding/binary"
	"math"

	"github.com/quarry-search/quarry/internal/engine/kernel"
)

// RecordSize is the size of a 1-bit record of a rotated vector of size
// components: its sign bits, and the tail that kernel.ScanBits reads.
func RecordSize(size int) int { return Padded(size/8+kernel.BitTail, kernel.BitBlock) }

// EncodeBits writes the RaBitQ code of a rotated vector (Gao and Long, 2024,
// without a centroid): the signs of its components, and the factor
// |v|² / Σ|vᵢ| that makes the estimate of a dot product unbiased.
func EncodeBits(record []byte, rotated []float32) {
	clear(record)
	var norm, sum float64
	ones := uint32(0)
	for i, v := range rotated {
		x := float64(v)
		norm += x * x
		sum += math.Abs(x)
		if v > 0 {
			record[i/8] |= 1 << (i % 8)
			ones++
		}
	}
	if sum == 0 {
		return
	}
	tail := record[len(record)-kernel.BitTail:]
	binary.LittleEndian.PutUint32(tail, math.Float32bits(float32(norm/sum)))
	binary.LittleEndian.PutUint32(tail[4:], ones)
}

// SetBitQuery makes q ready to scan records with a rotated query: components
// at 4 bits between the least and the greatest.
func SetBitQuery(q *kernel.BitQuery, rotated []float32) {
	size := RecordSize(len(rotated))
	if len(q.Planes) != 4*size {
		q.Planes = make([]byte, 4*size)
	}
	clear(q.Planes)
	low, high, sum := rotated[0], rotated[0], float32(0)
	for _, v := range rotated {
		low, high, sum = min(low, v), max(high, v), sum+v
	}
	step := (high - low) / 15
	if step == 0 {
		step = 1
	}
	inverse := 1 / step
	for i := 0; i < len(rotated); i += 8 {
		var bytes uint32 // one of each plane
		for j, v := range rotated[i:min(i+8, len(rotated))] {
			bytes |= planeBits[uint((v-low)*inverse+0.5)&15] << j
		}
		for plane := range 4 {
			q.Planes[plane*size+i/8] = byte(bytes >> (8 * plane))
		}
	}
	q.A, q.B, q.C = 2*step, 2*low, -sum
}

// planeBits spreads a level's four bits over the lowest bits of four bytes.
var planeBits = func() (table [16]uint32) {
	for level := range table {
		for plane := range 4 {
			table[level] |= uint32(level>>plane&1) << (8 * plane)
		}
	}
	return table
}()
