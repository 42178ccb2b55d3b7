// Package quant makes short codes of vectors: a random rotation that spreads
// what a vector says evenly over its components, 1-bit codes of RaBitQ with
// the query at 4 bits, and 8-bit codes.
//
// Codes only order candidates; whoever uses them rescores with the vectors.
// The package knows nothing of rows, segments or graphs.
package quant
