package ann

import (
	"fmt"
	"math"
	"sync"
	"unsafe"

	"github.com/quarry-search/quarry/internal/engine/kernel"
	"github.com/quarry-search/quarry/internal/engine/quant"
)

// Degree is the number of neighbours a row has room for.
const Degree = 32

// Codes are what a graph knows of its rows' vectors: 8-bit codes as
// quant.EncodeBytes makes them, Size bytes each, a multiple of
// kernel.CodeBlock, and 1-bit records as quant.EncodeBits makes them. A row
// whose record says that it is far off is not scored.
type Codes struct {
	Data    []uint8 // [rows·Size]
	Records []byte  // [rows·quant.RecordSize(Size)]
	Size    int
}

// Rows returns how many rows there are.
func (c Codes) Rows() int { return len(c.Data) / c.Size }

// Row returns the code of one row.
func (c Codes) Row(row uint32) []uint8 { return c.Data[int(row)*c.Size:][:c.Size:c.Size] }

// record returns the 1-bit record of one row.
func (c Codes) record(row uint32) []byte {
	size := quant.RecordSize(c.Size)
	return c.Records[int(row)*size:][:size:size]
}

// Graph is immutable; its methods are safe for concurrent use.
type Graph struct {
	codes     Codes
	neighbors []uint32 // [rows·Degree], a row's first degrees[row] are set
	degrees   []uint8  // [rows]
	margin    float32  // see calibrate
	top       *Graph   // over a sample of the rows; nil for a small graph
	sample    []uint32 // the row that each row of top stands for
	scratch   *sync.Pool
}

// Arrays are what a graph is made of, besides the codes: little-endian arrays
// that a file can hold. The sample's codes are copied out of the rows'.
type Arrays struct {
	Margin       float32  // how good the 1-bit records are
	Neighbors    []uint32 // [rows·Degree]
	Degrees      []uint8  // [rows]
	Sample       []uint32 // [sampled]
	TopNeighbors []uint32 // [sampled·Degree]
	TopDegrees   []uint8  // [sampled]
}

// Arrays returns the graph's arrays; callers must not change them.
func (g *Graph) Arrays() Arrays {
	a := Arrays{Margin: g.margin, Neighbors: g.neighbors, Degrees: g.degrees, Sample: g.sample}
	if g.top != nil {
		a.TopNeighbors, a.TopDegrees = g.top.neighbors, g.top.degrees
	}
	return a
}

// Open makes a graph of stored arrays. It refuses arrays whose sizes disagree
// or that name rows which are not there.
func Open(codes Codes, a Arrays) (*Graph, error) {
	g, err := open(codes, a.Neighbors, a.Degrees, a.Margin)
	if err != nil || len(a.Sample) == 0 {
		return g, err
	}
	for _, row := range a.Sample {
		if int(row) >= codes.Rows() {
			return nil, fmt.Errorf("open graph: the sample names row %d of %d", row, codes.Rows())
		}
	}
	g.sample = a.Sample
	g.top, err = open(pick(codes, a.Sample), a.TopNeighbors, a.TopDegrees, a.Margin)
	return g, err
}

func open(codes Codes, neighbors []uint32, degrees []uint8, margin float32) (*Graph, error) {
	if !(margin >= 0) {
		return nil, fmt.Errorf("open graph: the margin is %v", margin)
	}
	rows := codes.Rows()
	if len(codes.Records) != rows*quant.RecordSize(codes.Size) {
		return nil, fmt.Errorf("open graph: %d rows, but %d bytes of 1-bit records", rows, len(codes.Records))
	}
	if len(neighbors) != rows*Degree || len(degrees) != rows {
		return nil, fmt.Errorf("open graph: %d rows, but %d neighbours and %d degrees", rows, len(neighbors), len(degrees))
	}
	for row, degree := range degrees {
		if degree > Degree {
			return nil, fmt.Errorf("open graph: row %d has %d neighbours of %d at most", row, degree, Degree)
		}
		for _, n := range neighbors[row*Degree:][:degree] {
			if int(n) >= rows {
				return nil, fmt.Errorf("open graph: row %d has the neighbour %d of %d rows", row, n, rows)
			}
		}
	}
	g := newGraph(codes, neighbors, degrees)
	g.margin = margin
	return g, nil
}

func newGraph(codes Codes, neighbors []uint32, degrees []uint8) *Graph {
	g := &Graph{codes: codes, neighbors: neighbors, degrees: degrees, margin: unfiltered}
	g.scratch = &sync.Pool{New: func() any { return newScratch(codes) }}
	return g
}

// pick copies the codes of some rows.
func pick(codes Codes, rows []uint32) Codes {
	out := Codes{
		Data: make([]uint8, 0, len(rows)*codes.Size), Size: codes.Size,
		Records: make([]byte, 0, len(rows)*quant.RecordSize(codes.Size)),
	}
	for _, row := range rows {
		out.Data = append(out.Data, codes.Row(row)...)
		out.Records = append(out.Records, codes.record(row)...)
	}
	return out
}

// Rows returns how many rows the graph has.
func (g *Graph) Rows() int { return len(g.degrees) }

// SizeBytes is the memory of the arrays, without the rows' codes.
func (g *Graph) SizeBytes() int64 {
	n := int64(4*len(g.neighbors) + len(g.degrees) + 4*len(g.sample))
	if g.top != nil {
		n += g.top.SizeBytes() + int64(len(g.top.codes.Data)+len(g.top.codes.Records))
	}
	return n
}

// next returns the neighbours of a row.
func (g *Graph) next(row uint32) []uint32 {
	return g.neighbors[int(row)*Degree:][:g.degrees[row]]
}

// Query is a query made ready: quant.EncodeQuery's codes and their sum, and
// quant.SetBitQuery's planes.
type Query struct {
	Codes []int8
	Sum   int32
	Bits  *kernel.BitQuery
}

// Found is a row with the product of its code and the query's.
type Found struct {
	Row   uint32
	Score int32

	seen   bool  // its neighbours were looked at
	passed uint8 // rows in turn, up to it, that are not allowed
}

// scratch is what one search needs.
type scratch struct {
	met       rowSet
	beam      []Found
	heap      []Found
	found     []Found
	ids       []uint32
	reached   []Found   // by walkAllowed: what ids were before the scoring
	nearIDs   []uint32  // near's memory
	estimates []float32 // of ids, by near
	out       []int32
	query     []int8
	bytes     []byte // query's memory
	bits      kernel.BitQuery
	floats    []float32
}

func newScratch(codes Codes) *scratch {
	s := &scratch{query: make([]int8, codes.Size), floats: make([]float32, codes.Size)}
	s.bytes = unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s.query))), len(s.query))
	return s
}

// begin makes the scratch ready for a search of a width.
func (s *scratch) begin(beam int) {
	s.met.clear(beam)
	s.beam, s.heap, s.found = s.beam[:0], s.heap[:0], s.found[:0]
}

// score fills s.out with the scores of s.ids.
func (s *scratch) score(codes Codes, q Query) {
	if cap(s.out) < len(s.ids) {
		s.out = make([]int32, 2*len(s.ids))
	}
	if s.out = s.out[:len(s.ids)]; len(s.ids) == 0 {
		return
	}
	kernel.Prefetch(codes.Data, codes.Size, s.ids)
	kernel.DotsU8(s.out, q.Codes, codes.Data, s.ids)
	for i := range s.out {
		s.out[i] -= 128 * q.Sum
	}
}

// scoreNear is score after near.
func (s *scratch) scoreNear(codes Codes, q Query, least int32, margin float32) {
	if near(least, margin) {
		s.near(codes, q, least, margin)
	}
	s.score(codes, q)
}

// near reports whether records can tell which rows score a margin below least.
func near(least int32, margin float32) bool { return least != math.MinInt32 && margin != unfiltered }

// near drops from s.ids the rows whose records say that they score a margin
// below least, and leaves in s.estimates what they say of the others.
func (s *scratch) near(codes Codes, q Query, least int32, margin float32) {
	if len(s.ids) == 0 {
		return
	}
	if n := len(s.ids) + 4; cap(s.nearIDs) < n {
		s.nearIDs, s.estimates = make([]uint32, 2*n), make([]float32, 2*n)
	}
	scale := quant.Scale(codes.Size)
	above := float32(least)/(scale*scale) - margin/float32(math.Sqrt(float64(codes.Size)))
	kernel.Prefetch(codes.Records, quant.RecordSize(codes.Size), s.ids)
	n := kernel.ScanBits(s.nearIDs[:cap(s.nearIDs)], s.estimates[:cap(s.estimates)], q.Bits, codes.Records, s.ids, above)
	s.ids = s.ids[:copy(s.ids, s.nearIDs[:n])]
}

// insert puts f into a list sorted by falling score that holds at most limit,
// and says where; at is -1 when f was not good enough.
func insert(list []Found, limit int, f Found) (longer []Found, at int) {
	if len(list) == limit {
		if f.Score <= list[limit-1].Score {
			return list, -1
		}
	} else {
		list = append(list, f)
	}
	low, high := 0, len(list)-1
	for low < high {
		middle := (low + high) / 2
		if list[middle].Score >= f.Score {
			low = middle + 1
		} else {
			high = middle
		}
	}
	copy(list[low+1:], list[low:len(list)-1])
	list[low] = f
	return list, low
}
