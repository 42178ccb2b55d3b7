// Package ingest brings documents in and keeps what is derived from them up to
// date. Service puts one document: parse, chunk, commit. Jobs works off whole
// sources and keeps their balance. Embedder and Indexer follow the catalog's
// log: one computes missing vectors, the other feeds the index. Freshness
// tells when they have read far enough. Eraser follows it too, and rids files
// of what was erased.
//
// It must not know how documents arrive (HTTP, folders), how a catalog, index
// or model works, nor any file format.
package ingest
