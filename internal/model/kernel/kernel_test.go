package kernel

import (
	"crypto/sha256"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	_ "github.com/quarry-search/quarry/internal/rapidseed"
)

// names of every set; those that this CPU lacks are skipped.
var names = []string{"amx", "avx512_vnni", "avx2", "neon"}

// fataler is what tests, fuzzing and property checks share.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func eachSet(t *testing.T, f func(t *testing.T, s *Set)) {
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			s, err := ByName(name)
			if err != nil {
				t.Skip(err)
			}
			f(t, s)
		})
	}
}

func randoms(r *rand.Rand, n int, scale float32) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64()) * scale
	}
	return x
}

func close32(t fataler, what string, got, want []float32, tol float64) {
	t.Helper()
	for i := range want {
		d := math.Abs(float64(got[i]) - float64(want[i]))
		if !(d <= tol*(1+math.Abs(float64(want[i])))) {
			t.Fatalf("%s: element %d is %g, reference %g", what, i, got[i], want[i])
		}
	}
}

// product checks MulI8 and MulF32 of s against the scalar set on one shape.
func product(t fataler, s *Set, seed uint64, m, k, n int, extreme bool) {
	r := rand.New(rand.NewPCG(seed, 1))
	k, np := RoundUp(k, Step), RoundUp(n, Width)
	q := make([]int8, n*k)
	for i := range q {
		q[i] = int8(r.IntN(255) - 127)
		if extreme {
			q[i] = int8(127 - 254*r.IntN(2))
		}
	}
	w := &I8{K: k, N: np, Panels: PackI8(q, n, k, k), Scale: randoms(r, np, 0.01), Bias: randoms(r, np, 1)}
	w.ColSum = ColumnSums(w.Panels, k, np)
	x := randoms(r, m*k, 3)
	if extreme {
		for i := range x {
			x[i] = float32(r.IntN(2)*2 - 1)
		}
	}
	var got, want Rows
	s.Quantise(&got, x, k, m, k)
	Scalar().Quantise(&want, x, k, m, k)
	for i := range m {
		if got.scale[i] != want.scale[i] || got.nzp[i] != want.nzp[i] {
			t.Fatalf("row %d: scale %g zero %d, reference %g %d", i, got.scale[i], got.nzp[i], want.scale[i], want.nzp[i])
		}
	}
	a, b := make([]float32, m*np), make([]float32, m*np)
	s.MulI8(w, &got, m, a, np, Width)
	Scalar().MulI8(w, &want, m, b, np, Width)
	close32(t, fmt.Sprintf("i8 %dx%dx%d", m, k, n), a, b, 1e-6)

	f := &F32{K: k, N: np, Panels: randoms(r, np*k, 1), Bias: w.Bias}
	s.MulF32(f, x, k, m, a, np, Width)
	Scalar().MulF32(f, x, k, m, b, np, Width)
	close32(t, fmt.Sprintf("f32 %dx%dx%d", m, k, n), a, b, 1e-4*math.Sqrt(float64(k)))
}

func TestProductsMatchScalar(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		for m := 1; m <= 26; m++ {
			product(t, s, uint64(m), m, 64, 64, false)
		}
		product(t, s, 1, 13, 1536, 32, true)
		product(t, s, 2, 200, 400, 33, false)
		product(t, s, 3, 100, 384, 64, true)
		rapid.Check(t, func(rt *rapid.T) {
			product(rt, s, rapid.Uint64().Draw(rt, "seed"), rapid.IntRange(1, 40).Draw(rt, "m"),
				rapid.IntRange(1, 500).Draw(rt, "k"), rapid.IntRange(1, 70).Draw(rt, "n"), rapid.Bool().Draw(rt, "extreme"))
		})
	})
}

// TestIntegerSumsAreExact takes a scale of one, so that the sums show.
func TestIntegerSumsAreExact(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		const m, k = 7, 512
		r := rand.New(rand.NewPCG(3, 3))
		q := make([]int8, Width*k)
		for i := range q {
			q[i] = int8(r.IntN(255) - 127)
		}
		one := make([]float32, Width)
		for i := range one {
			one[i] = 1
		}
		w := &I8{K: k, N: Width, Panels: PackI8(q, Width, k, k), Scale: one, Bias: make([]float32, Width)}
		w.ColSum = ColumnSums(w.Panels, k, Width)
		x := make([]float32, m*k)
		for i := range x {
			x[i] = float32(r.IntN(256)) - 100
		}
		for i := range m { // the full range in every row: a unit is worth one
			x[i*k], x[i*k+1] = -100, 155
		}
		var rows Rows
		s.Quantise(&rows, x, k, m, k)
		c := make([]float32, m*Width)
		s.MulI8(w, &rows, m, c, Width, Width)
		for i := range m {
			for n := range Width {
				sum := 0
				for j := range k {
					sum += int(x[i*k+j]) * int(q[n*k+j])
				}
				if c[i*Width+n] != float32(sum) {
					t.Fatalf("row %d column %d: %g, want %d", i, n, c[i*Width+n], sum)
				}
			}
		}
	})
}

func elementwise(t fataler, s *Set, seed uint64, n, rows int, scale float32) {
	r := rand.New(rand.NewPCG(seed, 2))
	n = RoundUp(n, Step)
	x := randoms(r, n*rows, scale)
	a, b := append([]float32(nil), x...), append([]float32(nil), x...)
	s.GELU(a)
	Scalar().GELU(b)
	close32(t, "gelu", a, b, 1e-6*float64(1+scale))

	copy(a, x)
	copy(b, x)
	s.SiLU(a)
	Scalar().SiLU(b)
	close32(t, "silu", a, b, 1e-6)
	s.Mul(a, x)
	Scalar().Mul(b, x)
	close32(t, "mul", a, b, 1e-5)

	copy(a, x)
	copy(b, x)
	ia, ib := make([]float32, rows), make([]float32, rows)
	s.Softmax(a, n, rows, n, ia)
	Scalar().Softmax(b, n, rows, n, ib)
	close32(t, "softmax", a, b, 1e-6)
	close32(t, "softmax sum", ia, ib, 1e-5)

	y, gamma, beta := randoms(r, n, scale), randoms(r, n, 1), randoms(r, n, 1)
	a, b = append([]float32(nil), x[:n]...), append([]float32(nil), x[:n]...)
	s.LayerNorm(a, y, gamma, beta, 1e-12)
	Scalar().LayerNorm(b, y, gamma, beta, 1e-12)
	close32(t, "layer norm", a, b, 1e-4)
}

func TestElementwiseMatchScalar(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		rapid.Check(t, func(rt *rapid.T) {
			elementwise(rt, s, rapid.Uint64().Draw(rt, "seed"), rapid.IntRange(1, 400).Draw(rt, "n"),
				rapid.IntRange(1, 5).Draw(rt, "rows"), rapid.SampledFrom([]float32{1e-3, 1, 10, 1000}).Draw(rt, "scale"))
		})
	})
}

func TestMaskedScoresVanish(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		x := []float32{1, 2, 3, 4, 0, 0, 0, 0, -1e30, -1e30, -1e30, -1e30, -1e30, -1e30, -1e30, -1e30}
		inv := make([]float32, 1)
		s.Softmax(x, 16, 1, 16, inv)
		for _, v := range x[8:] {
			if v > 1e-37 {
				t.Fatalf("masked score weighs %g", v)
			}
		}
	})
}

// everything runs every kernel of a set on fixed input.
func everything(s *Set) []float32 {
	r := rand.New(rand.NewPCG(5, 5))
	numbers := func(n int, most float32) []float32 { // without what compilers may fuse
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(r.IntN(200001)-100000) * (most / 100000)
		}
		return x
	}
	x, y, g, b := numbers(384, 9), numbers(384, 3), numbers(384, 2), numbers(384, 2)
	var out []float32
	v := append([]float32(nil), x...)
	s.GELU(v)
	out = append(out, v...)
	s.SiLU(v)
	out = append(out, v...)
	s.Mul(v, y)
	out = append(out, v...)
	copy(v, x)
	s.LayerNorm(v, y, g, b, 1e-5)
	out = append(out, v...)
	s.LayerNorm(v[:75], y[:75], g[:75], b[:75], 1e-5)
	inv := make([]float32, 4)
	s.Softmax(v, 96, 4, 96, inv)
	out = append(append(out, v...), inv...)
	f := &F32{K: 12, N: 32, Panels: x, Bias: g[:32]}
	c := make([]float32, 9*32)
	s.MulF32(f, y, 12, 9, c, 32, 32)
	out = append(out, c...)
	q := make([]int8, 64*48)
	for i := range q {
		q[i] = int8(r.IntN(255) - 127)
	}
	w := &I8{K: 48, N: 64, Panels: PackI8(q, 64, 48, 48), Scale: y[:64], Bias: g[:64]}
	w.ColSum = ColumnSums(w.Panels, 48, 64)
	var rows Rows
	s.Quantise(&rows, x, 48, 8, 48)
	c = make([]float32, 8*64)
	s.MulI8(w, &rows, 8, c, 32, 256)
	return append(out, c...)
}

// TestSetsAgreeToTheBit proves that vectors do not depend on the CPU: every
// set, on every architecture, gives these very bits.
func TestSetsAgreeToTheBit(t *testing.T) {
	const want = "5cd790f441839a66"
	for _, s := range Available() {
		sum := sha256.New()
		for _, v := range everything(s) {
			fmt.Fprintf(sum, "%08x", math.Float32bits(v))
		}
		if got := fmt.Sprintf("%x", sum.Sum(nil))[:16]; got != want {
			t.Errorf("%s: hash of all results is %s, want %s", s.Name(), got, want)
		}
	}
}

// TestAccuracy compares the approximations, which all sets share, with the
// functions themselves.
func TestAccuracy(t *testing.T) {
	s := Best()
	for x := -30.0; x < 30; x += 0.001 {
		v := make([]float32, Step)
		v[0] = float32(x)
		f := float64(v[0])
		s.GELU(v)
		if want := f / 2 * (1 + math.Erf(f/math.Sqrt2)); math.Abs(float64(v[0])-want) > 4e-7*(1+math.Abs(f)) {
			t.Fatalf("gelu(%g) is %g, want %g", f, v[0], want)
		}
		v[0] = float32(x)
		s.SiLU(v)
		if want := f / (1 + math.Exp(-f)); math.Abs(float64(v[0])-want) > 4e-7*(1+math.Abs(want)) {
			t.Fatalf("silu(%g) is %g, want %g", f, v[0], want)
		}
		v[0], v[1] = float32(-math.Abs(x)), 0
		for i := 2; i < Step; i++ {
			v[i] = -1e30
		}
		s.Softmax(v, Step, 1, Step, make([]float32, 1))
		if want := math.Exp2(-math.Abs(f)); math.Abs(float64(v[0])-want) > 2e-7*want {
			t.Fatalf("2^%g is %g, want %g", -math.Abs(f), v[0], want)
		}
	}
}

func FuzzKernels(f *testing.F) {
	f.Add(uint64(1), uint8(3), uint16(70), uint8(40), true)
	f.Fuzz(func(t *testing.T, seed uint64, m uint8, k uint16, n uint8, extreme bool) {
		for _, s := range Available() {
			product(t, s, seed, int(m%50)+1, int(k%600)+1, int(n%80)+1, extreme)
			elementwise(t, s, seed, int(k%300)+1, int(m%5)+1, float32(n)+0.1)
		}
	})
}

func BenchmarkMulI8(b *testing.B) {
	for _, s := range Available() {
		for _, m := range []int{16, 96} {
			b.Run(fmt.Sprintf("%s/%dx1536x384", s.Name(), m), func(b *testing.B) {
				const n, k = 1536, 384
				w := &I8{K: k, N: n, Panels: make([]int8, n*k), ColSum: make([]int32, n), Scale: make([]float32, n), Bias: make([]float32, n)}
				var rows Rows
				s.Quantise(&rows, make([]float32, m*k), k, m, k)
				c := make([]float32, m*n)
				for b.Loop() {
					s.MulI8(w, &rows, m, c, n, Width)
				}
				b.ReportMetric(2*float64(m*n*k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GOP/s")
			})
		}
	}
}

func BenchmarkElementwise(b *testing.B) {
	for _, s := range Available() {
		x, inv := make([]float32, 12*256), make([]float32, 12)
		for name, f := range map[string]func(){
			"softmax":   func() { s.Softmax(x, 256, 12, 256, inv) },
			"gelu":      func() { s.GELU(x) },
			"layerNorm": func() { s.LayerNorm(x[:384], x[384:768], x[768:1152], x[1152:1536], 1e-12) },
		} {
			b.Run(s.Name()+"/"+name, func(b *testing.B) {
				for b.Loop() {
					f()
				}
			})
		}
	}
}
