package segment

import (
	"encoding/binary"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestPattern compares the search for bytes with one for numbers, of all
// lengths that varints have, between rows that must not be read.
func TestPattern(t *testing.T) {
	number := rapid.SampledFrom([]uint64{0, 1, 2, 127, 128, 129, 257, 16_383, 16_384, 16_385, 32_897, 1 << 21, 1<<21 + 1})
	rapid.Check(t, func(r *rapid.T) {
		var table table
		var rows [][]uint64
		for range 4 {
			row := rapid.SliceOfN(number, 0, 24).Draw(r, "row")
			var b []byte
			for _, n := range row {
				b = binary.AppendUvarint(b, n)
			}
			rows = append(rows, row)
			table.add(string(b))
		}
		wanted := rapid.SliceOfN(number, 1, 6).Draw(r, "wanted")
		if from := rapid.SampledFrom(rows).Draw(r, "from"); len(from) > 0 && rapid.Bool().Draw(r, "taken from a row") {
			start := rapid.IntRange(0, len(from)-1).Draw(r, "start")
			wanted = slices.Clone(from[start : start+rapid.IntRange(1, len(from)-start).Draw(r, "length")])
			if rapid.Bool().Draw(r, "ends otherwise") {
				wanted[len(wanted)-1] = number.Draw(r, "end")
			}
		}
		var spelling []byte
		for _, n := range wanted {
			spelling = binary.AppendUvarint(spelling, n)
		}
		p := newPattern(string(spelling))
		for i, row := range rows {
			want := false
			for start := range row {
				want = want || start+len(wanted) <= len(row) && slices.Equal(row[start:start+len(wanted)], wanted)
			}
			from, to := table.bounds(i)
			if got := p.in(table.blob, from, to); got != want {
				r.Fatalf("%v in row %d %v: %v", wanted, i, row, got)
			}
		}
	})
}
