package kernel

import "unsafe"

// Row sizes that the kernels take: floats of a float row, bytes of a code row,
// bytes of a 1-bit record.
const (
	FloatBlock = 16
	CodeBlock  = 64
	BitBlock   = 64
)

// BitTail is how many bytes at the end of a 1-bit record hold its factor
// (float32), its number of set bits (uint32) and 8 zero bytes.
const BitTail = 16

// BitQuery is a query made ready for ScanBits: four bit planes of a 4-bit
// quantised vector, and the coefficients of the estimate.
type BitQuery struct {
	// Planes holds 4 planes, each as long as a record, least weight first.
	// The bytes over a record's tail are zero.
	Planes []byte
	// The estimate of a record's dot product is
	// factor · (A · Σ 2^j popcount(record ∧ plane j) + B · bits + C).
	A, B, C float32
}

// implementation is one set of kernels. Counts of rows are positive multiples
// of 4; sizes were checked by the caller.
type implementation struct {
	name       string
	dotsF32    func(out []float32, q, base []float32, ids []uint32)
	squaresF32 func(out, q, base []float32, ids []uint32)
	dotsU8     func(out []int32, q []int8, base []uint8, ids []uint32)
	scanBits   func(outIDs []uint32, out []float32, q *BitQuery, records []byte, ids []uint32, above float32) int
}

var active = best(supported())

func best(slowestFirst []implementation) implementation { return slowestFirst[len(slowestFirst)-1] }

// Name tells which kernels run: "avx512_vnni", "avx2" or "scalar".
func Name() string { return active.name }

// DotsF32 sets out[i] to the dot product of q and row ids[i] of base, whose
// rows have len(q) floats, a multiple of FloatBlock. A row's result does not
// depend on the rows beside it.
//
// Invariant: every id names a row that lies in base; assembly does not check.
func DotsF32(out, q, base []float32, ids []uint32) { byFour(active.dotsF32, out, q, base, ids) }

// SquaresF32 sets out[i] to the squared distance of q and row ids[i] of base,
// under the conditions of DotsF32. That of equal vectors is 0.
func SquaresF32(out, q, base []float32, ids []uint32) { byFour(active.squaresF32, out, q, base, ids) }

// byFour hands a kernel four rows at a time: the last ones padded.
func byFour(f func(out, q, base []float32, ids []uint32), out, q, base []float32, ids []uint32) {
	whole := len(ids) &^ 3
	if whole > 0 {
		f(out[:whole], q, base, ids[:whole])
	}
	if rest := len(ids) - whole; rest > 0 {
		padded := pad(ids[whole:])
		var four [4]float32
		f(stays(&four)[:], q, base, stays(&padded)[:])
		copy(out[whole:len(ids)], four[:])
	}
}

// DotsU8 sets out[i] to the dot product of q and row ids[i] of base, whose
// rows have len(q) bytes, a multiple of CodeBlock.
//
// Invariant: every id names a row that lies in base; assembly does not check.
func DotsU8(out []int32, q []int8, base []uint8, ids []uint32) {
	whole := len(ids) &^ 3
	if whole > 0 {
		active.dotsU8(out[:whole], q, base, ids[:whole])
	}
	if rest := len(ids) - whole; rest > 0 {
		padded := pad(ids[whole:])
		var four [4]int32
		active.dotsU8(stays(&four)[:], q, base, stays(&padded)[:])
		copy(out[whole:len(ids)], four[:])
	}
}

// ScanBits estimates the dot product of q and each record ids[i], and writes
// those above the threshold, in order, to outIDs and out, which must be at
// least as long as ids and 4 longer. It returns how many it wrote. Records
// have len(q.Planes)/4 bytes, a multiple of BitBlock.
//
// Invariant: every id names a record that lies in records.
func ScanBits(outIDs []uint32, out []float32, q *BitQuery, records []byte, ids []uint32, above float32) int {
	whole := len(ids) &^ 3
	n := 0
	if whole > 0 {
		n = active.scanBits(outIDs, out, q, records, ids[:whole], above)
	}
	rest := len(ids) - whole
	if rest == 0 {
		return n
	}
	padded := pad(ids[whole:])
	m := active.scanBits(outIDs[n:], out[n:], q, records, stays(&padded)[:], above)
	// The last id stands in the padded lanes too: it was written with each of
	// them, or with none.
	if m > 0 && outIDs[n+m-1] == padded[3] {
		m -= 4 - rest
	}
	return n + m
}

// pad fills four lanes with 1 to 3 ids, repeating the last.
func pad(ids []uint32) (four [4]uint32) {
	for i := range four {
		four[i] = ids[min(i, len(ids)-1)]
	}
	return four
}

// stays hides from the compiler where a pointer goes, so that what it points to
// stays on the stack: a kernel is called through a function value, which might
// keep it, and an allocation costs more than scoring a row.
//
// Invariant: no kernel keeps a pointer.
func stays[T any](p *T) *T {
	hidden := uintptr(unsafe.Pointer(p))
	return *(**T)(unsafe.Pointer(&hidden))
}
