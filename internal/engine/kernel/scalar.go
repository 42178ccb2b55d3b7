package kernel

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// scalar is the reference that every other implementation must equal, and
// what runs where there is none.
var scalar = implementation{
	name:       "scalar",
	dotsF32:    dotsF32Scalar,
	squaresF32: squaresF32Scalar,
	dotsU8:     dotsU8Scalar,
	scanBits:   scanBitsScalar,
}

func dotsF32Scalar(out, q, base []float32, ids []uint32) {
	for i, id := range ids {
		row := base[int(id)*len(q):][:len(q)]
		var s0, s1, s2, s3 float32
		for j := 0; j+4 <= len(q); j += 4 {
			s0 += q[j] * row[j]
			s1 += q[j+1] * row[j+1]
			s2 += q[j+2] * row[j+2]
			s3 += q[j+3] * row[j+3]
		}
		out[i] = s0 + s1 + s2 + s3
	}
}

func squaresF32Scalar(out, q, base []float32, ids []uint32) {
	for i, id := range ids {
		row := base[int(id)*len(q):][:len(q)]
		var s0, s1, s2, s3 float32
		for j := 0; j+4 <= len(q); j += 4 {
			d0, d1, d2, d3 := q[j]-row[j], q[j+1]-row[j+1], q[j+2]-row[j+2], q[j+3]-row[j+3]
			s0 += d0 * d0
			s1 += d1 * d1
			s2 += d2 * d2
			s3 += d3 * d3
		}
		out[i] = s0 + s1 + s2 + s3
	}
}

func dotsU8Scalar(out []int32, q []int8, base []uint8, ids []uint32) {
	for i, id := range ids {
		row := base[int(id)*len(q):][:len(q)]
		var s int32
		for j, x := range q {
			s += int32(x) * int32(row[j])
		}
		out[i] = s
	}
}

func scanBitsScalar(outIDs []uint32, out []float32, q *BitQuery, records []byte, ids []uint32, above float32) int {
	size := len(q.Planes) / 4
	n := 0
	for _, id := range ids {
		record := records[int(id)*size:][:size]
		var sum int
		for j := 0; j < size; j += 8 {
			word := binary.LittleEndian.Uint64(record[j:])
			for plane := range 4 {
				p := binary.LittleEndian.Uint64(q.Planes[plane*size+j:])
				sum += bits.OnesCount64(word&p) << plane
			}
		}
		tail := record[size-BitTail:]
		factor := math.Float32frombits(binary.LittleEndian.Uint32(tail))
		ones := float32(binary.LittleEndian.Uint32(tail[4:]))
		estimate := factor * (q.A*float32(sum) + q.B*ones + q.C)
		if estimate > above {
			outIDs[n], out[n] = id, estimate
			n++
		}
	}
	return n
}
