package kernel

import "unsafe"

// Prefetch asks for the memory of rows of base, size items each, before it is
// read: rows that lie apart then arrive together. Size·sizeof(T) should be a
// multiple of 64.
//
// Invariant: every id names a row that lies in base.
func Prefetch[T uint8 | uint32](base []T, size int, ids []uint32) {
	if len(ids) == 0 {
		return
	}
	bytes := size * int(unsafe.Sizeof(base[0]))
	prefetchRows((*uint8)(unsafe.Pointer(&base[0])), bytes, (bytes+63)/64, &ids[0], len(ids))
}

// PrefetchAt asks for the memory at each offset of base, as Prefetch does for
// rows.
//
// Invariant: every offset lies in base.
func PrefetchAt(base []uint8, offsets []uint64) {
	if len(offsets) > 0 {
		prefetchOffsets(unsafe.SliceData(base), &offsets[0], len(offsets))
	}
}

//go:noescape
func prefetchOffsets(base *uint8, offsets *uint64, count int)

//go:noescape
func prefetchRows(base *uint8, strideBytes, lines int, ids *uint32, count int)
