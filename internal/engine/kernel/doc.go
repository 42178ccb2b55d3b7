// Package kernel holds the inner loops of dense search: dot products of one
// query with many rows of 32-bit floats or of 8-bit codes, and the scan of
// 1-bit codes. Each has an assembly form per processor family, chosen once at
// start, and a scalar form that the others are fuzzed against.
//
// Rows are gathered by ordinal, so that the same loop serves a full scan, a
// filtered one and a graph's neighbours. The package knows arrays only: not
// what a row means, nor which rows exist.
package kernel
