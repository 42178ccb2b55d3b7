// Package providertest is the conformance suite of rag.Embedder and
// rag.Reranker: every provider, local or remote, runs Embedder or Reranker in
// its tests.
//
// It must not know any provider.
package providertest
