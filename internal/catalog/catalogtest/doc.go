// Package catalogtest is the conformance suite of rag.Catalog: every adapter
// runs it unchanged, against its real database. Run takes a function that opens
// an empty catalog, RunReopen one that opens the same catalog again.
//
// The package must not know any adapter.
package catalogtest
