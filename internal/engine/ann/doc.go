// Package ann finds approximate nearest neighbours: a proximity graph over
// 8-bit codes of rotated unit vectors, with a small graph over a sample of the
// rows above it, where every search starts.
//
// The graph is HNSW's (Malkov and Yashunin, arXiv:1603.09320) with two layers
// in place of many, and neighbours chosen by the rule of Vamana (Subramanya et
// al., NeurIPS 2019). A row's 8-bit code, six lines of memory at 384
// dimensions, is read only if its 1-bit record, one line, says that the row may
// count; that is most of what makes it fast. Scores are products of codes: callers rescore what they
// keep with the vectors themselves.
//
// The package knows nothing of rows' contents, filters or files: codes and
// sets of rows are given, and the graph is arrays that a segment can store.
package ann
