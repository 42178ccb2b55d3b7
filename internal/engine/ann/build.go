package ann

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/quarry-search/quarry/internal/engine/quant"
)

// Options say how a graph is built.
type Options struct {
	// Beam is the width of the search for a row's neighbours (efConstruction).
	Beam int
	// Alpha spares a neighbour unless a nearer one is Alpha times as near to
	// it: 1 keeps few and short edges, more keeps longer ones.
	Alpha float32
	// Threads build at the same time.
	Threads int
}

// DefaultOptions are what docs/engine.md measured as best on real embeddings.
func DefaultOptions() Options {
	return Options{Beam: 200, Alpha: 1, Threads: runtime.GOMAXPROCS(0)}
}

const (
	pruned    = 24   // neighbours that a new row chooses
	kept      = 30   // that a full row keeps when one more comes
	sampled   = 32   // one row in so many is in the top graph
	least     = 2000 // rows of a top graph at least; less needs none
	stripes   = 1 << 12
	firstRows = 1000 // built by one thread, so that the graph hangs together
)

// Build makes the graph of all rows. It stops with the context's error.
func Build(ctx context.Context, codes Codes, o Options) (*Graph, error) {
	rows := codes.Rows()
	order := shuffled(rows)
	g := newGraph(codes, make([]uint32, rows*Degree), make([]uint8, rows))
	if n := rows / sampled; n >= least {
		g.sample = order[:n:n]
		top, err := Build(ctx, pick(codes, g.sample), o)
		if err != nil {
			return nil, err
		}
		g.top = top
	}
	return g, g.grow(ctx, order, o)
}

// Extend makes the graph of codes out of base, whose row i is row rowOf[i] of
// codes now, or gone where rowOf[i] is Gone. The rows that base did not have
// are inserted; what was near a row that is gone is joined over it.
func Extend(ctx context.Context, codes Codes, o Options, base *Graph, rowOf []uint32) (*Graph, error) {
	rows := codes.Rows()
	g := newGraph(codes, make([]uint32, rows*Degree), make([]uint8, rows))
	old := make([]bool, rows)
	for _, row := range rowOf {
		if row != Gone {
			old[row] = true
		}
	}
	order := shuffled(rows)
	if n := rows / sampled; n >= least {
		g.sample = order[:n:n]
		top, err := Build(ctx, pick(codes, g.sample), o)
		if err != nil {
			return nil, err
		}
		g.top = top
	}
	if err := g.adopt(ctx, o, base, rowOf); err != nil {
		return nil, err
	}
	fresh := make([]uint32, 0, rows)
	for _, row := range order {
		if !old[row] {
			fresh = append(fresh, row)
		}
	}
	return g, g.grow(ctx, fresh, o)
}

// Gone marks a row that a graph is extended without.
const Gone = ^uint32(0)

func shuffled(n int) []uint32 {
	order := make([]uint32, n)
	for i := range order {
		order[i] = uint32(i)
	}
	r := rand.New(rand.NewPCG(uint64(n), 1))
	r.Shuffle(n, func(i, j int) { order[i], order[j] = order[j], order[i] })
	return order
}

// builder is a graph under construction. A row's neighbours are guarded by the
// stripe of its ordinal.
type builder struct {
	*Graph
	options Options
	locks   [stripes]sync.Mutex
	square  float32 // product of a unit vector's codes with themselves
	first   uint32  // where searches start while there is no top graph
}

// grow inserts rows in their order.
func (g *Graph) grow(ctx context.Context, order []uint32, o Options) error {
	if len(order) == 0 {
		return ctx.Err()
	}
	scale := quant.Scale(g.codes.Size)
	b := &builder{Graph: g, options: o, square: scale * scale, first: order[0]}
	serial := min(firstRows, len(order))
	if err := b.insertAll(ctx, order[:serial], 1); err != nil {
		return err
	}
	return b.insertAll(ctx, order[serial:], max(1, o.Threads))
}

func (b *builder) insertAll(ctx context.Context, order []uint32, threads int) error {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range threads {
		workers.Go(func() {
			s := newScratch(b.codes)
			for {
				i := int(next.Add(1)) - 1
				if i >= len(order) || i%64 == 0 && ctx.Err() != nil {
					return
				}
				b.insert(s, order[i])
			}
		})
	}
	workers.Wait()
	return ctx.Err()
}

// insert links a row with neighbours in both directions.
func (b *builder) insert(s *scratch, row uint32) {
	q := b.asQuery(s, row)
	s.begin()
	s.meet(row)
	b.start(s, q, row)
	b.walkLocked(s, q)
	var chosen [Degree]uint32
	n := b.choose(s, s.beam, chosen[:pruned])
	b.set(row, chosen[:n])
	for _, neighbor := range chosen[:n] {
		b.link(s, neighbor, row)
	}
}

// start enters through the top graph, or at the first row while there is none.
func (b *builder) start(s *scratch, q Query, row uint32) {
	if b.top != nil {
		b.enter(s, q, nil)
		return
	}
	if b.first == row {
		return
	}
	s.ids = append(s.ids[:0], b.first)
	s.meet(b.first)
	s.score(b.codes, q)
	s.beam = append(s.beam, Found{Row: b.first, Score: s.out[0]})
}

// walkLocked is walk while others change the graph.
func (b *builder) walkLocked(s *scratch, q Query) {
	beam := b.options.Beam
	for at := 0; at < len(s.beam); {
		if s.beam[at].seen {
			at++
			continue
		}
		s.beam[at].seen = true
		s.ids = s.ids[:0]
		row := s.beam[at].Row
		lock := &b.locks[row%stripes]
		lock.Lock()
		for _, n := range b.next(row) {
			if s.meet(n) {
				s.ids = append(s.ids, n)
			}
		}
		lock.Unlock()
		s.score(b.codes, q)
		at = s.take(beam, at)
	}
}

func (b *builder) set(row uint32, neighbors []uint32) {
	lock := &b.locks[row%stripes]
	lock.Lock()
	b.degrees[row] = uint8(copy(b.neighbors[int(row)*Degree:][:Degree], neighbors))
	lock.Unlock()
}

// link adds a neighbour to a row, choosing anew when it is full.
func (b *builder) link(s *scratch, row, neighbor uint32) {
	lock := &b.locks[row%stripes]
	lock.Lock()
	defer lock.Unlock()
	degree := int(b.degrees[row])
	list := b.neighbors[int(row)*Degree:][:Degree]
	for _, n := range list[:degree] {
		if n == neighbor {
			return
		}
	}
	if degree < Degree {
		list[degree] = neighbor
		b.degrees[row]++
		return
	}
	var chosen [Degree]uint32
	n := b.chooseOf(s, row, append(append(s.ids[:0], list...), neighbor), chosen[:kept])
	b.degrees[row] = uint8(copy(list, chosen[:n]))
}

// chooseOf chooses a row's neighbours among candidates, which it may reorder.
func (b *builder) chooseOf(s *scratch, row uint32, candidates []uint32, chosen []uint32) int {
	q := b.asQuery(s, row)
	s.ids = candidates
	s.score(b.codes, q)
	s.found = s.found[:0]
	for i, c := range s.ids {
		s.found, _ = insert(s.found, len(s.ids), Found{Row: c, Score: s.out[i]})
	}
	return b.choose(s, s.found, chosen)
}

// asQuery writes a row's code as a query.
func (b *builder) asQuery(s *scratch, row uint32) Query {
	q := Query{Codes: s.query}
	for i, c := range b.codes.Row(row) {
		q.Codes[i] = int8(int(c) - 128)
		q.Sum += int32(q.Codes[i])
	}
	return q
}

// choose takes, nearest first, the candidates that no chosen one is nearer to
// by Alpha. Candidates come sorted, with scores against the row; it overwrites
// s.query, s.ids and s.heap.
func (b *builder) choose(s *scratch, candidates []Found, chosen []uint32) int {
	alive := append(s.heap[:0], candidates...)
	s.heap = alive
	n := 0
	for i := range alive {
		if alive[i].Row == Gone {
			continue
		}
		chosen[n] = alive[i].Row
		if n++; n == len(chosen) {
			break
		}
		s.ids = s.ids[:0]
		for _, c := range alive[i+1:] {
			if c.Row != Gone {
				s.ids = append(s.ids, c.Row)
			}
		}
		if len(s.ids) == 0 {
			break
		}
		s.score(b.codes, b.asQuery(s, alive[i].Row))
		k := 0
		for j := i + 1; j < len(alive); j++ {
			if alive[j].Row == Gone {
				continue
			}
			// Both sides are half the squared distance of unit vectors.
			between, toRow := b.square-float32(s.out[k]), b.square-float32(alive[j].Score)
			if k++; b.options.Alpha*b.options.Alpha*between <= toRow {
				alive[j].Row = Gone
			}
		}
	}
	return n
}

// adopt copies base's edges. A row that had a neighbour which is gone chooses
// anew among its own and the lost one's.
func (g *Graph) adopt(ctx context.Context, o Options, base *Graph, rowOf []uint32) error {
	scale := quant.Scale(g.codes.Size)
	b := &builder{Graph: g, options: o, square: scale * scale}
	s := newScratch(g.codes)
	for from, row := range rowOf {
		if from%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if row == Gone {
			continue
		}
		s.begin()
		s.meet(row)
		lost := false
		s.ids = s.ids[:0]
		for _, n := range base.next(uint32(from)) {
			if to := rowOf[n]; to != Gone {
				if s.meet(to) {
					s.ids = append(s.ids, to)
				}
				continue
			}
			lost = true
			for _, beyond := range base.next(n) {
				if to := rowOf[beyond]; to != Gone && s.meet(to) {
					s.ids = append(s.ids, to)
				}
			}
		}
		if lost {
			var chosen [Degree]uint32
			n := b.chooseOf(s, row, s.ids, chosen[:kept])
			b.set(row, chosen[:n])
		} else {
			b.set(row, s.ids)
		}
	}
	return nil
}
