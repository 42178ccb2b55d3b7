// Package eval measures search and answers on labelled sets in the BEIR
// layout: corpus.jsonl, queries.jsonl, qrels.tsv. Run is the entry point; it
// brings a corpus in through the same ingestion as any document, asks every
// question, and reports figures with intervals.
//
// It must not know how documents are stored or searched, and it never tunes
// anything.
package eval
