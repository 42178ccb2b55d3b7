package engine

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/quarry-search/quarry/internal/engine/kernel"
	"github.com/quarry-search/quarry/internal/engine/quant"
	"github.com/quarry-search/quarry/internal/engine/segment"
)

// costs are what the ways of finding vectors cost in this process, in
// nanoseconds for each row of costDim components. They only choose a way: a
// wrong one finds the same, slower.
type costs struct {
	exact float64 // an exact score of a row anywhere
	bytes float64 // the score of an allowed row's 8-bit code
	bits  float64 // the estimate of an allowed row's 1-bit code
	setup float64 // what makes a query ready for codes: once, and for any number of rows
	// graph is what searches of graphs cost, nil to measure each.
	graph *graphCost
}

// graphCost is what searches of one graph cost.
type graphCost struct {
	met   float64 // rows met for each of the beam
	score float64 // nanoseconds for each of them, with all that goes with it
	// What costs.bytes and costs.bits are in the graph's own tables, which are
	// larger than any cache; 0 where that was not measured.
	bytes float64
	bits  float64
}

const (
	costDim    = 384
	costRows   = 8192 // 12 MiB of vectors: more than the nearest caches hold
	costRounds = 5
	// Costs that cannot be told from each other are not believed.
	leastCost = 0.1
)

// fallbackCosts hold where a clock is too coarse to measure.
var fallbackCosts = costs{exact: 60, bytes: 20, bits: 6, setup: 10_000}

var fallbackGraphCost = graphCost{met: 28, score: 40}

// measuredCosts measures once in a process, in some milliseconds.
var measuredCosts = sync.OnceValue(func() costs {
	r := rand.New(rand.NewPCG(1, 2))
	size := quant.Padded(costDim, kernel.CodeBlock)
	record := quant.RecordSize(size)
	vectors, codes, records := make([]float32, costRows*costDim), make([]uint8, costRows*size), make([]byte, costRows*record)
	for i := range vectors {
		vectors[i] = 1 // pages that nobody wrote are all the same one
	}
	for i := range codes {
		codes[i] = uint8(i)
	}
	for i := range records {
		records[i] = uint8(i)
	}
	anywhere, rising := make([]uint32, batchRows), make([]uint32, batchRows)
	for i := range anywhere {
		anywhere[i] = r.Uint32N(costRows)
		rising[i] = uint32(i * (costRows / batchRows))
	}
	query, bytes := make([]float32, costDim), make([]int8, size)
	bits := kernel.BitQuery{Planes: make([]byte, 4*record), A: 1}
	floats, sums, ids := make([]float32, batchRows+4), make([]int32, batchRows), make([]uint32, batchRows+4)
	measured := costs{
		exact: fastest(func() { kernel.DotsF32(floats, query, vectors, anywhere) }),
		bytes: fastest(func() { kernel.DotsU8(sums, bytes, codes, rising) }),
		bits:  fastest(func() { kernel.ScanBits(ids, floats, &bits, records, rising, 1e9) }),
	}
	q := newDenseQuery(costDim)
	measured.setup = batchRows * fastest(func() {
		q.rotate()
		q.codes(quant.Lift{}, q.padded)
	})
	if min(measured.exact, measured.bytes, measured.bits, measured.setup) < leastCost {
		return fallbackCosts
	}
	return measured
})

// fastest returns the nanoseconds a row of f, which looks at batchRows: of the
// fastest round, since whatever else runs only adds.
func fastest(f func()) float64 {
	best := time.Hour
	for range costRounds {
		began := time.Now()
		f()
		best = min(best, time.Since(began))
	}
	return float64(best.Nanoseconds()) / batchRows
}

// of scales the costs to vectors of another dimension.
func (c costs) of(dim int) costs {
	by := float64(dim) / costDim
	c.exact, c.bytes, c.bits, c.setup = c.exact*by, c.bytes*by, c.bits*by, c.setup*by
	return c
}

const (
	probes    = 24
	probeBeam = 64
)

// measure finds out what searches of the graph cost, with vectors of the
// segment as queries.
func (g *partGraph) measure(seg *segment.Segment) {
	g.cost = fallbackGraphCost
	q := newDenseQuery(seg.Dim())
	met := 0
	took := make([]float64, 0, probes) // of each probe, for a row
	for i := range probes {
		row := i * seg.Rows() / probes
		vector := seg.Vectors()[row*seg.Stride():][:seg.Dim()]
		q.prepare(vector)
		q.rotate()
		codes := q.codes(g.lift, vector)
		began := time.Now()
		n := max(1, g.Met(codes, probeBeam))
		took = append(took, float64(time.Since(began).Nanoseconds())/float64(n))
		met += n
	}
	g.cost.bytes, g.cost.bits = g.measureScans(q)
	slices.Sort(took)
	if score := took[probes/4]; score >= leastCost { // of an undisturbed one
		g.cost.met, g.cost.score = float64(met)/(probes*probeBeam), score
	}
}

// measureScans returns what the codes of rows cost that a filter lets pass
// here and there, in memory that was not looked at just before; 0 for too few
// rows to tell.
func (g *partGraph) measureScans(q *denseQuery) (bytes, bits float64) {
	const gap = 4 // from one row to the next
	span := gap * batchRows
	rounds := min(g.Rows()/span, 2*probes)
	if rounds < probes {
		return 0, 0
	}
	query := q.codes(g.lift, q.padded[:q.dim])
	ids, sums, scores, out := make([]uint32, batchRows), make([]int32, batchRows), make([]float32, batchRows+4), make([]uint32, batchRows+4)
	var took [2][]float64
	for round := range rounds {
		for i := range ids {
			ids[i] = uint32(round*(g.Rows()/rounds) + gap*i)
		}
		began := time.Now()
		if round%2 == 0 {
			kernel.DotsU8(sums, query.Codes, g.codes.Data, ids)
		} else {
			kernel.ScanBits(out, scores, query.Bits, g.codes.Records, ids, float32(math.Inf(1)))
		}
		took[round%2] = append(took[round%2], float64(time.Since(began).Nanoseconds())/batchRows)
	}
	slices.Sort(took[0])
	slices.Sort(took[1])
	return took[0][len(took[0])/2], took[1][len(took[1])/2]
}
