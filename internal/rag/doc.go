// Package rag holds the nouns of the product and the ports between its parts:
// documents and their versions, chunks, the change log, queries and hits,
// answers, who asks (Principal) and what they may see (Scope), and the closed
// set of errors. It says what, never how, and does no I/O.
//
// It must not know databases, HTTP, models or the file system.
package rag
