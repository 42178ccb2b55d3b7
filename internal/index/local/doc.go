// Package local is rag.Index on the embedded engine: translation between the
// nouns of package rag and those of package engine, without decisions.
//
// Index is its one type. It knows no catalog: whoever follows the log calls
// Apply.
package local
