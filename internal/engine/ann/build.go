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
	return Options{Beam: 128, Alpha: 1, Threads: runtime.GOMAXPROCS(0)}
}

const (
	pool      = 2    // rows that a new row chooses its neighbours from, for each of the beam
	pruned    = 24   // neighbours that it chooses
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
	if err := g.buildTop(ctx, order, o); err != nil {
		return nil, err
	}
	return g, g.grow(ctx, order, nil, o)
}

// buildTop makes the graph of a sample, the first rows in order, where there
// are enough. Its margin serves while the graph below grows.
func (g *Graph) buildTop(ctx context.Context, order []uint32, o Options) (err error) {
	n := len(order) / sampled
	if n < least {
		return nil
	}
	g.sample = order[:n:n]
	if g.top, err = Build(ctx, pick(g.codes, g.sample), o); err == nil {
		g.margin = g.top.margin
	}
	return err
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
	if err := g.buildTop(ctx, order, o); err != nil {
		return nil, err
	}
	if err := g.adopt(ctx, o, base, rowOf); err != nil {
		return nil, err
	}
	var fresh, starts []uint32
	for _, row := range order {
		switch {
		case !old[row]:
			fresh = append(fresh, row)
		case len(starts) < 4*entries:
			starts = append(starts, row)
		}
	}
	return g, g.grow(ctx, fresh, starts, o)
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
	square  float32  // product of a unit vector's codes with themselves
	starts  []uint32 // where searches start without a top graph: rows that are linked
}

// grow inserts rows in their order. Starts are rows that are linked already; if
// there are none, the first in order.
func (g *Graph) grow(ctx context.Context, order, starts []uint32, o Options) error {
	if len(order) == 0 {
		g.calibrate()
		return ctx.Err()
	}
	if len(starts) == 0 {
		starts = order[:1]
	}
	scale := quant.Scale(g.codes.Size)
	b := &builder{Graph: g, options: o, square: scale * scale, starts: starts}
	serial := min(firstRows, len(order))
	if err := b.insertAll(ctx, order[:serial], 1); err != nil {
		return err
	}
	if err := b.insertAll(ctx, order[serial:], max(1, o.Threads)); err != nil {
		return err
	}
	g.calibrate()
	return nil
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
				runtime.Gosched() // a search may be waiting for the processor
			}
		})
	}
	workers.Wait()
	return ctx.Err()
}

// insert links a row with neighbours in both directions.
func (b *builder) insert(s *scratch, row uint32) {
	q := b.rowQuery(s, row)
	s.begin(b.options.Beam)
	s.met.add(row)
	b.start(s, q)
	b.walkLocked(s, q)
	var chosen [Degree]uint32
	n := b.choose(s, s.beam, chosen[:pruned])
	b.set(row, chosen[:n])
	for _, neighbor := range chosen[:n] {
		b.link(s, neighbor, row)
	}
}

// start enters through the top graph, or at the starts where there is none.
func (b *builder) start(s *scratch, q Query) {
	if b.top != nil {
		b.enter(s, q, nil)
		return
	}
	s.ids = s.ids[:0]
	for _, start := range b.starts {
		if s.met.add(start) {
			s.ids = append(s.ids, start)
		}
	}
	s.score(b.codes, q)
	for i, start := range s.ids {
		s.beam, _ = insert(s.beam, b.options.Beam, Found{Row: start, Score: s.out[i]})
	}
}

// walkLocked is walk while others change the graph. It goes on from the best
// rows that a search goes on from, and keeps more of those that it meets: the
// next best are worth choosing from, and going on from them is not worth it.
func (b *builder) walkLocked(s *scratch, q Query) {
	beam := b.options.Beam
	for at := 0; at < min(beam, len(s.beam)); {
		s.ids = s.ids[:0]
		for n := 0; n < abreast && at < min(beam, len(s.beam)); at++ {
			if s.beam[at].seen {
				continue
			}
			s.beam[at].seen = true
			n++
			b.meet(s, s.beam[at].Row)
		}
		s.scoreNear(b.codes, q, s.least(s.beam[:min(beam, len(s.beam))], beam), b.margin)
		at = s.take(pool*beam, at)
	}
}

// meet adds to s.ids the neighbours of a row that were not met before.
func (b *builder) meet(s *scratch, row uint32) {
	lock := &b.locks[row%stripes]
	lock.Lock()
	defer lock.Unlock()
	for _, n := range b.next(row) {
		if s.met.add(n) {
			s.ids = append(s.ids, n)
		}
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
		s.begin(Degree)
		s.met.add(row)
		lost := false
		s.ids = s.ids[:0]
		for _, n := range base.next(uint32(from)) {
			if to := rowOf[n]; to != Gone {
				if s.met.add(to) {
					s.ids = append(s.ids, to)
				}
				continue
			}
			lost = true
			for _, beyond := range base.next(n) {
				if to := rowOf[beyond]; to != Gone && s.met.add(to) {
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
