package quant

import (
	"math"
	"math/rand/v2"

	"github.com/quarry-search/quarry/internal/engine/kernel"
)

// rotationSeed is part of the segment format: codes of different rotations
// must never meet.
const rotationSeed = 0x71756172727931

// Rotation is a fixed random rotation of vectors of one dimension: random
// signs and fast Walsh-Hadamard transforms over the largest power of two at
// either end, with a mixing step between (as in RaBitQ's reference library).
// It keeps dot products. Safe for concurrent use.
type Rotation struct {
	dim   int
	size  int // padded dimension, a multiple of kernel.CodeBlock
	power int // largest power of two not above size
	signs [rounds][]float32
}

const rounds = 4

// NewRotation makes the rotation for vectors of dim components.
func NewRotation(dim int) *Rotation {
	r := &Rotation{dim: dim, size: Padded(dim, kernel.CodeBlock), power: 1}
	for r.power*2 <= r.size {
		r.power *= 2
	}
	random := rand.New(rand.NewPCG(rotationSeed, uint64(r.size)))
	for i := range r.signs {
		r.signs[i] = make([]float32, r.size)
		for j := range r.signs[i] {
			r.signs[i][j] = 1
			if random.Uint64()&1 == 0 {
				r.signs[i][j] = -1
			}
		}
	}
	return r
}

// Size is the length of a rotated vector: dim rounded up to whole blocks.
func (r *Rotation) Size() int { return r.size }

// Rotate writes the rotated src, of dim components, to dst, of Size.
func (r *Rotation) Rotate(dst, src []float32) {
	clear(dst[copy(dst, src[:r.dim]):])
	for i, signs := range r.signs {
		for j, s := range signs {
			dst[j] *= s
		}
		if i%2 == 0 {
			hadamard(dst[:r.power])
		} else {
			hadamard(dst[r.size-r.power:])
		}
		if r.power != r.size {
			mix(dst)
		}
	}
}

// hadamard applies the orthonormal Walsh-Hadamard transform in place. Two of
// its steps are taken at once, which reads the memory half as often.
func hadamard(v []float32) {
	n := len(v)
	half := 1
	for ; 4*half <= n; half *= 4 {
		for i := 0; i < n; i += 4 * half {
			a, b, c, d := v[i:][:half], v[i+half:][:half], v[i+2*half:][:half], v[i+3*half:][:half]
			for j := range a {
				p, q, r, s := a[j]+b[j], a[j]-b[j], c[j]+d[j], c[j]-d[j]
				a[j], b[j], c[j], d[j] = p+r, q+s, p-r, q-s
			}
		}
	}
	if half < n {
		a, b := v[:half], v[half:][:half]
		for j, x := range a {
			a[j], b[j] = x+b[j], x-b[j]
		}
	}
	scale := float32(1 / math.Sqrt(float64(n)))
	for i := range v {
		v[i] *= scale
	}
}

// mix rotates each component of the first half with its fellow of the second
// by 45 degrees.
func mix(v []float32) {
	half := len(v) / 2
	a, b := v[:half], v[half:]
	for i, x := range a {
		y := b[i]
		a[i], b[i] = (x+y)*math.Sqrt2/2, (x-y)*math.Sqrt2/2
	}
}

// Padded rounds n up to a multiple of block.
func Padded(n, block int) int { return (n + block - 1) / block * block }
