// Package retrieve answers a rag.Query with hits: scope, freshness, both legs
// of the search in every collection, one fusion, an optional rescoring by
// sentences, collapse of near-duplicates, the cut, and the texts. Retriever is
// the main type; its Search reads like the pipeline.
//
// It must not know which index, catalog or model stands behind its
// interfaces, nor HTTP.
package retrieve
