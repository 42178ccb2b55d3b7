package pages

import (
	"fmt"

	"golang.org/x/sys/unix"
)

const huge = 2 << 20

func allocate(n int) (*Block, error) {
	if n < huge {
		return inHeap(n), nil
	}
	all, err := unix.Mmap(-1, 0, n+huge, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("allocate %d bytes: %w", n, err)
	}
	// Where the system has no huge pages the table is slower, not wrong.
	_ = unix.Madvise(all, unix.MADV_HUGEPAGE)
	at := alignment(all, huge)
	return &Block{bytes: all[at : at+n : at+n], release: func() error { return unix.Munmap(all) }}, nil
}
