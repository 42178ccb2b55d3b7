package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func TestBF16Rounding(t *testing.T) {
	for v, want := range map[float32]uint16{
		0: 0, 1: 0x3f80, -2: 0xc000, 1 + 0x1p-8: 0x3f80, 1 + 3*0x1p-8: 0x3f82, 1 + 0x1p-8 + 0x1p-20: 0x3f81,
		math.MaxFloat32: 0x7f80, float32(math.Inf(-1)): 0xff80,
	} {
		if got := ToBF16(v); got != want {
			t.Errorf("%g: %#x, want %#x", v, got, want)
		}
	}
	if v := FromBF16(ToBF16(float32(math.NaN()))); v == v {
		t.Errorf("NaN became %g", v)
	}
	eachSet(t, func(t *testing.T, s *Set) {
		if s.roundBF16 == nil {
			t.Skip("this CPU does not round to 16-bit floats")
		}
		x := randoms(rand.New(rand.NewPCG(1, 2)), 4096, 100)
		for i := range 64 {
			x[i] = 1 + float32(i)*0x1p-9 // ties
		}
		h := make([]uint16, len(x))
		s.roundBF16(x, h)
		for i, v := range x {
			if h[i] != ToBF16(v) {
				t.Fatalf("%g: %#x, reference %#x", v, h[i], ToBF16(v))
			}
		}
	})
}

// halfProduct checks MulBF16 of s against the scalar set and against 64-bit
// sums on one shape.
func halfProduct(t fataler, s *Set, seed uint64, m, k, n int) {
	r := rand.New(rand.NewPCG(seed, 3))
	kp, np := RoundUp(k, 2*Step), RoundUp(n, Width)
	raw, x := randoms(r, n*k, 1), randoms(r, m*kp, 1)
	w := &BF16{K: kp, N: np, Panels: PackBF16(raw, n, k, kp), Bias: randoms(r, np, 1)}
	for i := range m {
		clear(x[i*kp+k : (i+1)*kp])
	}
	var own, reference Halves
	got, want := make([]float32, m*np), make([]float32, m*np)
	s.Round(&own, x, kp, m, kp)
	s.MulBF16(w, &own, m, got, np, Width)
	Scalar().Round(&reference, x, kp, m, kp)
	Scalar().MulBF16(w, &reference, m, want, np, Width)
	tolerance := 2e-6 * math.Sqrt(float64(k))
	close32(t, fmt.Sprintf("bf16 %dx%dx%d", m, k, n), got, want, tolerance)
	for i := range m {
		for c := range n {
			sum := float64(w.Bias[c])
			for j := range k {
				sum += float64(FromBF16(ToBF16(x[i*kp+j]))) * float64(FromBF16(ToBF16(raw[c*k+j])))
			}
			if d := math.Abs(sum - float64(got[i*np+c])); !(d <= tolerance*(1+math.Abs(sum))) {
				t.Fatalf("bf16 %dx%dx%d: row %d column %d is %g, want %g", m, k, n, i, c, got[i*np+c], sum)
			}
		}
	}
}

func TestBF16ProductsMatchScalar(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		if !s.HasBF16() {
			t.Logf("%s multiplies 16-bit floats as 32-bit ones on this CPU", s.Name())
		}
		for m := 1; m <= 26; m++ {
			halfProduct(t, s, uint64(m), m, 64, 64)
		}
		halfProduct(t, s, 2, 200, 400, 33)
		rapid.Check(t, func(rt *rapid.T) {
			halfProduct(rt, s, rapid.Uint64().Draw(rt, "seed"), rapid.IntRange(1, 40).Draw(rt, "m"),
				rapid.IntRange(1, 900).Draw(rt, "k"), rapid.IntRange(1, 70).Draw(rt, "n"))
		})
	})
}

func FuzzBF16Products(f *testing.F) {
	f.Add(uint64(1), uint8(3), uint16(64), uint8(33))
	f.Fuzz(func(t *testing.T, seed uint64, m uint8, k uint16, n uint8) {
		for _, s := range Available() {
			halfProduct(t, s, seed, 1+int(m)%48, 1+int(k)%800, 1+int(n)%96)
		}
	})
}

func BenchmarkMulFloats(b *testing.B) {
	for _, s := range Available()[:max(1, len(Available())-1)] {
		const m, n, k = 48, 1536, 384
		x, c := make([]float32, m*k), make([]float32, m*n)
		rate := func(b *testing.B) {
			b.ReportMetric(2*float64(m*n*k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		}
		b.Run(s.Name()+"/f32", func(b *testing.B) {
			w := &F32{K: k, N: n, Panels: make([]float32, n*k), Bias: make([]float32, n)}
			for b.Loop() {
				s.MulF32(w, x, k, m, c, n, Width)
			}
			rate(b)
		})
		b.Run(s.Name()+"/bf16", func(b *testing.B) {
			w := &BF16{K: k, N: n, Panels: make([]uint16, n*k), Bias: make([]float32, n)}
			var h Halves
			for b.Loop() {
				s.Round(&h, x, k, m, k)
				s.MulBF16(w, &h, m, c, n, Width)
			}
			rate(b)
		})
	}
}
