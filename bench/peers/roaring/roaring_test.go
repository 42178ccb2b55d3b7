// Package roaring compares ways to keep which documents hold a value, at a
// million documents: ascending lists and plain bitsets, as the engine has them,
// and roaring bitmaps. The result wanted is a plain bitset: the scans of
// vectors and postings read one.
package roaring

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
)

const docs = 1_000_000

// value is the documents that hold one value, kept in three ways.
type value struct {
	list    []uint32
	bits    []uint64
	roaring *roaring.Bitmap
}

func valueOf(list []uint32) value {
	v := value{list: list, bits: make([]uint64, docs/64), roaring: roaring.BitmapOf(list...)}
	for _, doc := range list {
		v.bits[doc>>6] |= 1 << (doc & 63)
	}
	v.roaring.RunOptimize()
	return v
}

// spread deals the documents out to n values at random.
func spread(n int) []value {
	r := rand.New(rand.NewPCG(1, 1))
	lists := make([][]uint32, n)
	for doc := range uint32(docs) {
		i := r.IntN(n)
		lists[i] = append(lists[i], doc)
	}
	values := make([]value, n)
	for i, list := range lists {
		values[i] = valueOf(list)
	}
	return values
}

func BenchmarkValues(b *testing.B) {
	for _, test := range []struct{ of, wanted int }{{2, 1}, {10, 1}, {1000, 10}, {1000, 300}, {10_000, 1000}} {
		all := spread(test.of)
		values := all[:test.wanted]
		name := fmt.Sprintf("%d of %d values/", test.wanted, test.of)
		size := func(f func(value) uint64) float64 {
			n := uint64(0)
			for _, v := range all {
				n += f(v)
			}
			return float64(n) / docs
		}
		run := func(kind string, bytes func(value) uint64, union func() []uint64) {
			b.Run(name+kind, func(b *testing.B) {
				for b.Loop() {
					union()
				}
				b.ReportMetric(size(bytes), "B/doc")
			})
		}
		run("list", func(v value) uint64 { return uint64(4 * len(v.list)) }, func() []uint64 {
			set := make([]uint64, docs/64)
			for _, v := range values {
				for _, doc := range v.list {
					set[doc>>6] |= 1 << (doc & 63)
				}
			}
			return set
		})
		if test.of <= 1000 {
			run("bitset", func(v value) uint64 { return uint64(8 * len(v.bits)) }, func() []uint64 {
				set := make([]uint64, docs/64)
				for _, v := range values {
					for i, w := range v.bits {
						set[i] |= w
					}
				}
				return set
			})
		}
		run("roaring", func(v value) uint64 { return v.roaring.GetSizeInBytes() }, func() []uint64 {
			list := make([]*roaring.Bitmap, len(values))
			for i, v := range values {
				list[i] = v.roaring
			}
			set := make([]uint64, docs/64+1024)
			roaring.FastOr(list...).WriteDenseTo(set)
			return set
		})
	}
}
