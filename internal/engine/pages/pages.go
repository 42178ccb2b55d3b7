// Package pages allocates large tables outside of Go's heap, in pages as large
// as the system has them: a search of a graph reads rows that lie anywhere,
// and with small pages most of its time goes into finding where they are.
//
// The package knows nothing of what is kept in the tables.
package pages

import "unsafe"

// Block is a table. Bytes starts at a multiple of 64 and must not be used
// after Close.
type Block struct {
	bytes   []byte
	release func() error
}

// New makes n zero bytes.
func New(n int) (*Block, error) { return allocate(n) }

// Bytes returns the table.
func (b *Block) Bytes() []byte { return b.bytes }

// Close gives the memory back.
func (b *Block) Close() error {
	b.bytes = nil
	return b.release()
}

// inHeap makes a block of Go's memory, which Close leaves to the collector.
func inHeap(n int) *Block {
	all := make([]byte, n+line)
	at := alignment(all, line)
	return &Block{bytes: all[at : at+n : at+n], release: func() error { return nil }}
}

const line = 64

// alignment is how far into b the first multiple of size lies.
func alignment(b []byte, size int) int {
	return (size - int(uintptr(unsafe.Pointer(unsafe.SliceData(b)))%uintptr(size))) % size
}
