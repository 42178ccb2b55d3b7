package quant

import "math"

// levelsPerSigma spreads 4 standard deviations of a rotated unit vector's
// components, 1/√size each, over 127 levels.
const levelsPerSigma = 127.0 / 4

// Scale is the number of levels per unit in 8-bit codes of rotated vectors of
// size components: a dot product of codes is about Scale² times that of the
// vectors.
func Scale(size int) float32 { return float32(levelsPerSigma * math.Sqrt(float64(size))) }

// EncodeBytes writes the 8-bit codes of a rotated vector, 128 for zero.
func EncodeBytes(dst []uint8, rotated []float32) {
	scale := Scale(len(rotated))
	for i, v := range rotated {
		dst[i] = uint8(min(max(v*scale+128.5, 1), 255))
	}
}

// EncodeQuery writes the signed 8-bit codes of a rotated query and returns
// their sum: kernel.DotsU8 − 128·sum is about Scale² times the dot product.
func EncodeQuery(dst []int8, rotated []float32) (sum int32) {
	scale := Scale(len(rotated))
	for i, v := range rotated {
		level := min(max(v*scale, -127), 127)
		dst[i] = int8(math.RoundToEven(float64(level)))
		sum += int32(dst[i])
	}
	return sum
}
