package engine

import (
	"context"
	"errors"
	"math"
	"runtime"

	"github.com/quarry-search/quarry/internal/engine/ann"
	"github.com/quarry-search/quarry/internal/engine/kernel"
	"github.com/quarry-search/quarry/internal/engine/pages"
	"github.com/quarry-search/quarry/internal/engine/quant"
	"github.com/quarry-search/quarry/internal/engine/segment"
)

// Graphs know cosines only: vectors of other metrics are lifted.

// liftOf is the lift of a segment's vectors.
func liftOf(seg *segment.Segment) quant.Lift {
	centre, _ := seg.Centre()
	lift := quant.Lift{Metric: seg.Metric(), Centre: centre}
	var longest float32
	switch biases, _ := seg.Biases(); lift.Metric {
	case Dot:
		for row := range seg.Rows() {
			longest = max(longest, quant.Squared(seg.Vectors()[row*seg.Stride():][:seg.Stride()]))
		}
	case L2:
		for _, bias := range biases {
			longest = max(longest, -2*bias)
		}
	}
	lift.Longest = float32(math.Sqrt(float64(longest)))
	return lift
}

// yieldRows is after how many rows, or changes, work that searches may wait for
// lets them run: some 0.2 ms.
const yieldRows = 64

// encodeRows makes the codes of all rows, each of which has a vector, and
// returns the memory that they lie in.
func encodeRows(ctx context.Context, seg *segment.Segment, lift quant.Lift) (ann.Codes, *pages.Block, error) {
	lifted := make([]float32, lift.LiftedDim(seg.Dim()))
	rotation := quant.NewRotation(len(lifted))
	size, record := rotation.Size(), quant.RecordSize(rotation.Size())
	block, err := pages.New(seg.Rows() * (size + record))
	if err != nil {
		return ann.Codes{}, nil, err
	}
	at := seg.Rows() * size
	codes := ann.Codes{Data: block.Bytes()[:at:at], Records: block.Bytes()[at:], Size: size}
	rotated := make([]float32, size)
	for row := range seg.Rows() {
		if row%4096 == 0 && ctx.Err() != nil {
			return ann.Codes{}, nil, errors.Join(ctx.Err(), block.Close())
		}
		if row%yieldRows == 0 {
			runtime.Gosched() // to a search that waits for the processor
		}
		lift.Vector(lifted, seg.Vectors()[row*seg.Stride():][:seg.Dim()])
		rotation.Rotate(rotated, lifted)
		quant.EncodeBytes(codes.Row(uint32(row)), rotated)
		quant.EncodeBits(codes.Records[row*record:][:record], rotated)
	}
	return codes, block, nil
}

// liftedQuery makes a query's 8-bit codes, with the scratch for it.
type liftedQuery struct {
	rotation *quant.Rotation
	lifted   []float32
	rotated  []float32
	codes    []int8
	bits     kernel.BitQuery
}

// codes are the query's codes for a graph.
func (q *denseQuery) codes(lift quant.Lift, vector []float32) ann.Query {
	l := &q.lifted
	if lift.Metric == Cosine {
		if l.rotation != nil || l.codes == nil {
			*l = liftedQuery{codes: make([]int8, len(q.rotated))}
		}
		return l.query(q.rotated)
	}
	if n := lift.LiftedDim(len(vector)); l.rotation == nil || len(l.lifted) != n {
		*l = liftedQuery{rotation: quant.NewRotation(n), lifted: make([]float32, n)}
		l.rotated = make([]float32, l.rotation.Size())
		l.codes = make([]int8, l.rotation.Size())
	}
	lift.Query(l.lifted, vector)
	l.rotation.Rotate(l.rotated, l.lifted)
	return l.query(l.rotated)
}

func (l *liftedQuery) query(rotated []float32) ann.Query {
	quant.SetBitQuery(&l.bits, rotated)
	return ann.Query{Codes: l.codes, Sum: quant.EncodeQuery(l.codes, rotated), Bits: &l.bits}
}
