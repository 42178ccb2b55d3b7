//go:build !amd64

package kernel

// Prefetch does nothing here: it only ever makes the next reads faster.
func Prefetch[T uint8 | uint32](base []T, size int, ids []uint32) {}

// PrefetchAt does nothing here either.
func PrefetchAt(base []uint8, offsets []uint64) {}
