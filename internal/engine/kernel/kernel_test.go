package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// implementations returns every set of kernels that runs here but the scalar.
func implementations() []implementation { return supported()[1:] }

func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

func FuzzDotsF32(f *testing.F) {
	f.Add(uint64(1), uint8(24), uint8(9))
	f.Add(uint64(2), uint8(1), uint8(1))
	f.Fuzz(func(t *testing.T, seed uint64, blocks, count uint8) {
		r := random(seed)
		dim := FloatBlock * (int(blocks)%80 + 1)
		ids := randomIDs(r, int(count), 50)
		base, q := make([]float32, 50*dim), make([]float32, dim)
		for _, s := range [][]float32{base, q} {
			for i := range s {
				s[i] = float32(r.NormFloat64())
			}
		}
		want := make([]float32, len(ids))
		dotsF32Scalar(want, q, base, ids)
		eachActive(t, func(t *testing.T) {
			got := make([]float32, len(ids))
			DotsF32(got, q, base, ids)
			for i := range got {
				if math.Abs(float64(got[i]-want[i])) > 1e-3*math.Sqrt(float64(dim)) {
					t.Fatalf("dim %d, row %d: %v, scalar %v", dim, i, got[i], want[i])
				}
			}
		})
	})
}

func FuzzSquaresF32(f *testing.F) {
	f.Add(uint64(1), uint8(24), uint8(9))
	f.Add(uint64(2), uint8(1), uint8(1))
	f.Add(uint64(3), uint8(79), uint8(6))
	f.Fuzz(func(t *testing.T, seed uint64, blocks, count uint8) {
		r := random(seed)
		dim := FloatBlock * (int(blocks)%80 + 1)
		ids := randomIDs(r, int(count), 50)
		base, q := make([]float32, 50*dim), make([]float32, dim)
		for _, s := range [][]float32{base, q} {
			for i := range s {
				s[i] = float32(r.NormFloat64())
			}
		}
		copy(base[7*dim:], q)
		want := make([]float32, len(ids))
		squaresF32Scalar(want, q, base, ids)
		eachActive(t, func(t *testing.T) {
			got := make([]float32, len(ids))
			SquaresF32(got, q, base, ids)
			for i := range got {
				if math.Abs(float64(got[i]-want[i])) > 1e-5*float64(want[i]) {
					t.Fatalf("dim %d, row %d: %v, scalar %v", dim, i, got[i], want[i])
				}
			}
		})
	})
}

func FuzzDotsU8(f *testing.F) {
	f.Add(uint64(1), uint8(6), uint8(9))
	f.Add(uint64(2), uint8(1), uint8(3))
	f.Fuzz(func(t *testing.T, seed uint64, blocks, count uint8) {
		r := random(seed)
		dim := CodeBlock * (int(blocks)%64 + 1)
		ids := randomIDs(r, int(count), 50)
		base, q := make([]uint8, 50*dim), make([]int8, dim)
		for i := range base {
			base[i] = extreme(r)
		}
		for i := range q {
			q[i] = int8(extreme(r))
		}
		want := make([]int32, len(ids))
		dotsU8Scalar(want, q, base, ids)
		eachActive(t, func(t *testing.T) {
			got := make([]int32, len(ids))
			DotsU8(got, q, base, ids)
			for i := range got {
				if got[i] != want[i] {
					t.Fatalf("dim %d, row %d: %d, scalar %d", dim, i, got[i], want[i])
				}
			}
		})
	})
}

func FuzzScanBits(f *testing.F) {
	f.Add(uint64(1), uint8(0), uint8(99), int8(0))
	f.Add(uint64(2), uint8(3), uint8(7), int8(-100))
	f.Fuzz(func(t *testing.T, seed uint64, blocks, count uint8, threshold int8) {
		r := random(seed)
		size := BitBlock * (int(blocks)%9 + 1)
		ids := distinctIDs(r, int(count), 256)
		records, q := randomBits(r, size, 256)
		above := float32(threshold) / 16
		if threshold == -100 {
			above = float32(math.Inf(-1))
		}
		all := make([]float32, len(ids)+4)
		allIDs := make([]uint32, len(ids)+4)
		n := scanBitsScalar(allIDs, all, q, records, ids, float32(math.Inf(-1)))
		eachActive(t, func(t *testing.T) {
			out, outIDs := make([]float32, len(ids)+4), make([]uint32, len(ids)+4)
			m := ScanBits(outIDs, out, q, records, ids, above)
			compareScan(t, allIDs[:n], all[:n], outIDs[:m], out[:m], above)
		})
	})
}

// compareScan wants every record that is clearly above the threshold, none
// that is clearly below, in order, each once, with the scalar's estimate.
func compareScan(t *testing.T, allIDs []uint32, all []float32, ids []uint32, got []float32, above float32) {
	t.Helper()
	const near = 1e-2
	j := 0
	for i, id := range allIDs {
		found := j < len(ids) && ids[j] == id
		switch {
		case found && math.Abs(float64(got[j]-all[i])) > near:
			t.Fatalf("record %d: estimate %v, scalar %v", id, got[j], all[i])
		case found && all[i] < above-near, !found && all[i] > above+near:
			t.Fatalf("record %d: estimate %v against threshold %v, written: %v", id, all[i], above, found)
		}
		if found {
			j++
		}
	}
	if j != len(ids) {
		t.Fatalf("%d records written, %d recognised", len(ids), j)
	}
}

func TestScanBitsOfNothing(t *testing.T) {
	records, q := randomBits(random(1), BitBlock, 1)
	if n := ScanBits(nil, nil, q, records, nil, 0); n != 0 {
		t.Fatalf("%d records out of none", n)
	}
}

// eachActive runs f under every implementation, the scalar included.
func eachActive(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	was := active
	defer func() { active = was }()
	for _, impl := range append([]implementation{scalar}, implementations()...) {
		active = impl
		f(t)
	}
}

func randomIDs(r *rand.Rand, n, rows int) []uint32 {
	ids := make([]uint32, n)
	for i := range ids {
		ids[i] = uint32(r.IntN(rows))
	}
	return ids
}

func distinctIDs(r *rand.Rand, n, rows int) []uint32 {
	var ids []uint32
	for i := range rows {
		if len(ids) < n && r.IntN(rows) < 2*n {
			ids = append(ids, uint32(i))
		}
	}
	return ids
}

// extreme favours the ends of the range, where sums saturate first.
func extreme(r *rand.Rand) uint8 {
	switch r.IntN(4) {
	case 0:
		return 0x7f
	case 1:
		return 0x80
	case 2:
		return 0xff
	}
	return uint8(r.IntN(256))
}

func randomBits(r *rand.Rand, size, rows int) ([]byte, *BitQuery) {
	records := make([]byte, rows*size)
	for i := range records {
		records[i] = byte(r.Uint32())
	}
	q := &BitQuery{Planes: make([]byte, 4*size), A: 0.01, B: -0.02, C: 0.5}
	for i := range q.Planes {
		if i%size < size-BitTail {
			q.Planes[i] = byte(r.Uint32())
		}
	}
	for i := range rows {
		tail := records[(i+1)*size-BitTail : (i+1)*size]
		binary.LittleEndian.PutUint32(tail, math.Float32bits(float32(r.Float64())))
		binary.LittleEndian.PutUint32(tail[4:], uint32(r.IntN(8*size)))
		clear(tail[8:])
	}
	return records, q
}

func BenchmarkKernels(b *testing.B) {
	r := random(3)
	const rows, dim = 65536, 384
	ids := make([]uint32, rows)
	for i := range ids {
		ids[i] = uint32(i)
	}
	floats, q := make([]float32, rows*dim), make([]float32, dim)
	codes, qi := make([]uint8, rows*dim), make([]int8, dim)
	records, qb := randomBits(r, BitBlock, rows)
	outF, outI, outIDs := make([]float32, rows+4), make([]int32, rows), make([]uint32, rows+4)
	was := active
	defer func() { active = was }()
	for _, impl := range append([]implementation{scalar}, implementations()...) {
		active = impl
		run := func(name string, f func()) {
			b.Run(fmt.Sprintf("%s/%s", name, impl.name), func(b *testing.B) {
				for b.Loop() {
					f()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
			})
		}
		run("f32", func() { DotsF32(outF, q, floats, ids) })
		run("u8", func() { DotsU8(outI, qi, codes, ids) })
		run("bit", func() { ScanBits(outIDs, outF, qb, records, ids, 1e9) })
	}
}

// A search calls kernels with a few rows hundreds of times: an allocation costs
// more than the rows.
func TestKernelsDoNotAllocate(t *testing.T) {
	const size = 128
	floats, bytes, records := make([]float32, 8*size), make([]uint8, 8*size), make([]byte, 8*BitBlock)
	q := BitQuery{Planes: make([]byte, 4*BitBlock)}
	query, codes := make([]float32, size), make([]int8, size)
	ids, out, sums, found := []uint32{5, 1, 7}, make([]float32, 8), make([]int32, 8), make([]uint32, 8)
	allocations := testing.AllocsPerRun(10, func() {
		DotsF32(out, query, floats, ids)
		SquaresF32(out, query, floats, ids)
		DotsU8(sums, codes, bytes, ids)
		ScanBits(found, out, &q, records, ids, 1)
	})
	if allocations > 0 {
		t.Errorf("%v allocations", allocations)
	}
}
