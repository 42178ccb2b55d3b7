package pages

import (
	"testing"
	"unsafe"
)

func TestBlocks(t *testing.T) {
	for _, n := range []int{0, 1, 4096, 2<<20 - 1, 2 << 20, 5<<20 + 7} {
		b, err := New(n)
		if err != nil {
			t.Fatal(err)
		}
		bytes := b.Bytes()
		if len(bytes) != n {
			t.Fatalf("%d bytes, want %d", len(bytes), n)
		}
		if n > 0 && uintptr(unsafe.Pointer(&bytes[0]))%line != 0 {
			t.Errorf("%d bytes do not start at a multiple of %d", n, line)
		}
		for i := range bytes {
			if bytes[i] != 0 {
				t.Fatalf("byte %d of %d is not zero", i, n)
			}
			bytes[i] = 1
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}
