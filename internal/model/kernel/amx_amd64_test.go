package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestAMXFinish checks what follows the tiles, which needs AVX-512 only, on
// sums made without them.
func TestAMXFinish(t *testing.T) {
	if _, err := ByName("avx512_vnni"); err != nil {
		t.Skip(err)
	}
	const m, k = 41, 64
	r := rand.New(rand.NewPCG(9, 9))
	w := &I8{K: k, N: Width, Scale: randoms(r, Width, 0.01), Bias: randoms(r, Width, 1)}
	q := make([]int8, Width*k)
	for i := range q {
		q[i] = int8(r.IntN(255) - 127)
	}
	w.Panels = PackI8(q, Width, k, k)
	w.ColSum = ColumnSums(w.Panels, k, Width)
	var rows Rows
	avx512Set.Quantise(&rows, randoms(r, m*k, 2), k, m, k)
	var sums [productRows * Width]int32
	for i := range m {
		for n := range Width {
			for j := range k {
				sums[i*Width+n] += int32(rows.q[i*k+j]) * int32(q[n*k+j])
			}
		}
	}
	got, want := make([]float32, m*Width), make([]float32, m*Width)
	amxFinish(at(sums[:]), m, at(got), 4*Width, at(w.ColSum), at(w.Scale), at(rows.scale), at(rows.nzp), at(w.Bias))
	avx512Set.MulI8(w, &rows, m, want, Width, Width)
	if !slices.Equal(got, want) {
		t.Error("the results differ from the VNNI kernel's")
	}
}

// TestAMX says why there are no tiles, or checks that they were chosen.
func TestAMX(t *testing.T) {
	if !amxWorks() {
		t.Skip("this CPU or system has no AMX")
	}
	if Best().Name() != "amx" {
		t.Errorf("the best set is %s", Best().Name())
	}
}
