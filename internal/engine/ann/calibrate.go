package ann

import (
	"encoding/binary"
	"math"
	"math/rand/v2"

	"github.com/quarry-search/quarry/internal/engine/quant"
)

// A row whose 1-bit record estimates its score to be a margin below what
// counts is not scored: five in six of the rows that a search meets. How good
// the estimates are next to how rows differ depends on the vectors: where all
// of them lie in one direction the records say little. So the margin is
// measured on each graph.

// margins that are tried, in units of 1/√Size: estimates are off by 0.8 of
// that on the mean.
var margins = []float32{0.25, 0.5, 1, 2, 4}

const (
	calibrated    = 200   // rows that are searched for
	calibrateBeam = 48    // a narrow beam suffers most
	calibrateTop  = 10    // rows of each search that are compared
	lossAllowed   = 0.002 // of them that may get lost
)

// unfiltered is the margin under which every row is scored.
var unfiltered = float32(math.Inf(1))

// calibrate sets g's margin to the least one that loses next to nothing.
func (g *Graph) calibrate() {
	if g.Rows() == 0 {
		return
	}
	s := newScratch(g.codes)
	random := rand.New(rand.NewPCG(uint64(g.Rows()), 2))
	rows := make([]uint32, calibrated)
	want := make([][]Found, calibrated)
	g.margin = unfiltered
	for i := range rows {
		rows[i] = uint32(random.IntN(g.Rows()))
		want[i] = g.nearRow(s, rows[i])
	}
	for _, margin := range margins {
		g.margin = margin
		lost, all := 0, 0
		for i, row := range rows {
			got := map[uint32]bool{}
			for _, f := range g.nearRow(s, row) {
				got[f.Row] = true
			}
			for _, f := range want[i] {
				if all++; !got[f.Row] {
					lost++
				}
			}
		}
		if float64(lost) <= lossAllowed*float64(all) {
			return
		}
	}
	g.margin = unfiltered
}

// nearRow searches for what is near a row.
func (g *Graph) nearRow(s *scratch, row uint32) []Found {
	q := g.rowQuery(s, row)
	found, _ := g.Search(nil, q, calibrateBeam, nil, nil, 0)
	return found[:min(calibrateTop, len(found))]
}

// rowQuery makes a query of a row's code, in s.
func (g *Graph) rowQuery(s *scratch, row uint32) Query {
	q := g.asQuery(s, row)
	scale := quant.Scale(g.codes.Size)
	for i, c := range q.Codes {
		s.floats[i] = float32(c) / scale
	}
	quant.SetBitQuery(&s.bits, s.floats)
	q.Bits = &s.bits
	return q
}

// asQuery is rowQuery without the bits, for whoever scores all rows.
func (g *Graph) asQuery(s *scratch, row uint32) Query {
	// A code minus 128 is the code with its first bit turned.
	codes := g.codes.Row(row)
	var sum uint32
	for i := 0; i < len(codes); i += 8 {
		word := binary.LittleEndian.Uint64(codes[i:]) ^ 0x8080808080808080
		binary.LittleEndian.PutUint64(s.bytes[i:], word)
	}
	for _, c := range codes {
		sum += uint32(c)
	}
	return Query{Codes: s.query, Sum: int32(sum) - 128*int32(len(codes))}
}
