// Package answer answers a rag.Question out of the passages that a search
// finds, streamed as events. Answerer is the main type: it quotes the verbatim
// sentences that best answer, each with its span, or abstains in plain words.
//
// It must not know which search, catalog or model stands behind its
// interfaces, nor HTTP.
package answer
