// Package local provides embeddings by the models that run in this process:
// Embedder is rag.Embedder over internal/model.
//
// It must not know documents, collections or HTTP.
package local
