// Package remote provides embeddings and reranking by other servers, hosted or
// one's own: Embedder is rag.Embedder and Reranker is rag.Reranker over plain
// JSON requests.
//
// registry.go lists the kinds of servers; a file per wire format says how each
// takes texts and gives numbers. Around them stand, once for all: batches
// (batch.go), calls with retries and deadlines (call.go), rate limits
// (pace.go), the checks of what came back (vector.go), errors (error.go) and
// what a call cost (observe.go).
//
// It must not know documents, collections or the configuration's sources.
//
// SECURITY: keys travel in request headers only, and neither keys nor texts nor
// the servers' own words reach errors, logs or observers.
package remote
