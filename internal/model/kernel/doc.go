// Package kernel holds the arithmetic of the local models: products of
// matrices in bytes and in 32-bit floats, quantisation of activations,
// softmax, GELU and layer normalisation. Set is one implementation of all of
// them; Best returns the fastest that this CPU can run, Scalar the reference
// that every other is tested against.
//
// Integer products are exact in every set, and all sets do the same float
// operations in the same order: they agree to the bit, on every CPU. Products
// of 16-bit floats are the exception: they agree to the rounding of the sums.
//
// Assembly clears the upper halves of the vector registers before it returns
// (VZEROUPPER): on Intel, scalar code after dirty halves crawls.
//
// It must not know models, layers or files.
package kernel

//go:generate go run gen/main.go gen/elementwise.go gen/arm64.go
