package quant

import "math"

// Metric is how vectors are compared. Its numbers are part of the segment
// format.
type Metric uint8

// The metrics, and the score that each gives: more is nearer.
const (
	Cosine Metric = iota // dot product of unit vectors
	Dot                  // dot product
	L2                   // squared Euclidean distance, negative
	metrics
)

// Valid reports whether m is one of the metrics.
func (m Metric) Valid() bool { return m < metrics }

// Centred reports whether 1-bit codes are taken of what differs from a
// segment's mean: vectors of any length and place need that, or the codes say
// where they all are and not how they differ.
func (m Metric) Centred() bool { return m != Cosine }

// Bias is what of a vector's score does not depend on the query, of L2, with
// offset = vector − centre: −|q − x|² / 2 is the dot product of q − centre and
// offset, plus Bias(offset), minus |q − centre|² / 2.
func Bias(offset []float32) float32 { return -Squared(offset) / 2 }

// Squared is |v|².
func Squared(v []float32) float32 {
	var s float64
	for _, x := range v {
		s += float64(x) * float64(x)
	}
	return float32(s)
}

// Lift maps vectors of any metric to unit vectors of LiftedDim components,
// whose cosine with a lifted query orders them as the metric does. So a
// structure for cosines serves them all.
//
// Dot adds a component that makes all vectors equally long (Bachrach et al.,
// RecSys 2014). L2 first adds −|x|²/2λ, with λ as long as the longest vector:
// then its distances are at most bent, by less than a half, and the dot product with a query
// that has λ there is that of −|q − x|²/2 but for a constant.
type Lift struct {
	Metric Metric
	Centre []float32 // [dim]; of L2, subtracted first
	// Longest is the greatest |x − Centre|.
	Longest float32
}

// LiftedDim is the dimension of lifted vectors.
func (l Lift) LiftedDim(dim int) int {
	switch l.Metric {
	case Dot:
		return dim + 1
	case L2:
		return dim + 2
	}
	return dim
}

// Vector lifts v into dst, of LiftedDim.
func (l Lift) Vector(dst, v []float32) {
	if l.Metric == Cosine {
		copy(dst, v)
		return
	}
	n, longest := len(v), max(l.Longest, math.SmallestNonzeroFloat32)
	l.offset(dst, v, 1/longest)
	square := Squared(dst[:n])
	whole := float32(1) // the greatest square of what stands before the last component
	if l.Metric == L2 {
		dst[n] = -square / 2
		square += dst[n] * dst[n]
		whole = 1.25
	}
	dst[len(dst)-1] = float32(math.Sqrt(float64(max(whole-square, 0))))
	scaleTo(dst, 1/float32(math.Sqrt(float64(whole))))
}

// Query lifts a query into dst, of LiftedDim.
func (l Lift) Query(dst, q []float32) {
	if l.Metric == Cosine {
		copy(dst, q)
		return
	}
	n := len(q)
	l.offset(dst, q, 1)
	clear(dst[n:])
	if l.Metric == L2 {
		dst[n] = l.Longest
	}
	if square := Squared(dst); square > 0 {
		scaleTo(dst, 1/float32(math.Sqrt(float64(square))))
	}
}

// offset writes (v − centre)·by to dst.
func (l Lift) offset(dst, v []float32, by float32) {
	if l.Metric != L2 {
		for i, x := range v {
			dst[i] = x * by
		}
		return
	}
	for i, x := range v {
		dst[i] = (x - l.Centre[i]) * by
	}
}

func scaleTo(v []float32, by float32) {
	for i := range v {
		v[i] *= by
	}
}
