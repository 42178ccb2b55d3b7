// Package sqlite is the catalog on one SQLite database in the data directory:
// the embedded form of rag.Catalog. Its main type is Catalog, made by Open.
//
// One connection writes, several read. Writers queue: whoever gets the writing
// connection commits everything that waits in one transaction, so that
// concurrent writers share the cost of making it durable. The package starts
// no goroutines.
//
// docs/formats/catalog.md describes the tables. The package must not know who
// calls it, what an index is, or how text is parsed or embedded. It trusts its
// caller to be the only process on the directory.
package sqlite
