module github.com/quarry-search/quarry/bench/peers/roaring

go 1.26

require github.com/RoaringBitmap/roaring/v2 v2.4.5

require (
	github.com/bits-and-blooms/bitset v1.12.0 // indirect
	github.com/mschoch/smat v0.2.0 // indirect
)
