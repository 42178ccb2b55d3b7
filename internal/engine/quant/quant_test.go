package quant

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/quarry-search/quarry/internal/engine/kernel"
)

var dims = []int{64, 100, 384, 768, 1024, 1536, 4096}

func unit(r *rand.Rand, dim int) []float32 {
	v := make([]float32, dim)
	var norm float64
	for i := range v {
		v[i] = float32(r.NormFloat64())
		norm += float64(v[i]) * float64(v[i])
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(norm))
	}
	return v
}

func dot(a, b []float32) float64 {
	var s float64
	for i := range a {
		s += float64(a[i]) * float64(b[i])
	}
	return s
}

func TestRotationKeepsDotProducts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, dim := range dims {
		rotation := NewRotation(dim)
		a, b := unit(r, dim), unit(r, dim)
		ra, rb := make([]float32, rotation.Size()), make([]float32, rotation.Size())
		rotation.Rotate(ra, a)
		rotation.Rotate(rb, b)
		if got, want := dot(ra, rb), dot(a, b); math.Abs(got-want) > 1e-5 {
			t.Errorf("dim %d: dot product %v became %v", dim, want, got)
		}
	}
}

func TestRotationSpreadsOneComponent(t *testing.T) {
	for _, dim := range dims {
		rotation := NewRotation(dim)
		v := make([]float32, dim)
		v[dim/3] = 1
		out := make([]float32, rotation.Size())
		rotation.Rotate(out, v)
		for i, x := range out {
			if limit := 8 / math.Sqrt(float64(dim)); math.Abs(float64(x)) > limit {
				t.Errorf("dim %d: component %d is %v, more than %v", dim, i, x, limit)
				break
			}
		}
	}
}

// TestEstimates holds the mean error of both codes to what their papers and
// step sizes predict, on pairs of every similarity.
func TestEstimates(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, dim := range dims {
		rotation := NewRotation(dim)
		size := rotation.Size()
		const pairs = 200
		var bitError, byteError float64
		for range pairs {
			q, x := unit(r, dim), unit(r, dim)
			share := r.Float32()
			for i := range x {
				x[i] = share*q[i] + (1-share)*x[i]
			}
			scale := float32(1 / math.Sqrt(dot(x, x)))
			for i := range x {
				x[i] *= scale
			}
			rq, rx := make([]float32, size), make([]float32, size)
			rotation.Rotate(rq, q)
			rotation.Rotate(rx, x)
			truth := dot(q, x)
			bitError += math.Abs(bitEstimate(rq, rx)-truth) / pairs
			byteError += math.Abs(byteEstimate(rq, rx)-truth) / pairs
		}
		if limit := 0.9 / math.Sqrt(float64(dim)); bitError > limit {
			t.Errorf("dim %d: 1-bit codes are off by %.4f on the mean, more than %.4f", dim, bitError, limit)
		}
		if byteError > 0.005 {
			t.Errorf("dim %d: 8-bit codes are off by %.4f on the mean", dim, byteError)
		}
	}
}

func bitEstimate(rq, rx []float32) float64 {
	record := make([]byte, RecordSize(len(rx)))
	EncodeBits(record, rx)
	var q kernel.BitQuery
	SetBitQuery(&q, rq)
	ids, out := make([]uint32, 5), make([]float32, 5)
	kernel.ScanBits(ids, out, &q, record, []uint32{0}, float32(math.Inf(-1)))
	return float64(out[0])
}

func byteEstimate(rq, rx []float32) float64 {
	codes, query := make([]uint8, len(rx)), make([]int8, len(rq))
	EncodeBytes(codes, rx)
	sum := EncodeQuery(query, rq)
	out := make([]int32, 1)
	kernel.DotsU8(out, query, codes, []uint32{0})
	scale := float64(Scale(len(rx)))
	return float64(out[0]-128*sum) / (scale * scale)
}

func TestZeroVectorIsFinite(t *testing.T) {
	v := make([]float32, 64)
	if got := bitEstimate(v, v); got != 0 {
		t.Errorf("estimate of zero vectors is %v", got)
	}
}

func BenchmarkRotate(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	rotation := NewRotation(384)
	v, out := unit(r, 384), make([]float32, 384)
	for b.Loop() {
		rotation.Rotate(out, v)
	}
}
