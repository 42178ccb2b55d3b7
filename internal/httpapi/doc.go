// Package httpapi serves Quarry over HTTP: typed operations under /v1 (package
// api holds their types), server-sent events for answers, NDJSON for batches,
// health, metrics, the OpenAPI description and its page. New makes the handler.
//
// Each operation authenticates to a rag.Principal, decodes and limits the
// request, calls one use case through an interface declared here, and encodes
// what comes back. The package decides nothing about documents, ranking or
// visibility, reads no configuration and opens no socket.
package httpapi
