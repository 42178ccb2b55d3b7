package ann

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/quarry-search/quarry/internal/engine/kernel"
	"github.com/quarry-search/quarry/internal/engine/quant"
)

// space is a set of vectors in clusters, with their codes.
type space struct {
	codes    Codes
	rotation *quant.Rotation
	vectors  [][]float32
	random   *rand.Rand
	centers  [][]float32
}

func newSpace(rows, dim, clusters int) *space {
	r := rand.New(rand.NewPCG(11, uint64(rows)))
	s := &space{rotation: quant.NewRotation(dim), random: r}
	for range clusters {
		s.centers = append(s.centers, gaussian(r, dim, 1))
	}
	s.codes.Size = s.rotation.Size()
	for range rows {
		v := s.vector()
		s.vectors = append(s.vectors, v)
		s.append(&s.codes, v)
	}
	return s
}

// append adds a vector's codes.
func (s *space) append(codes *Codes, v []float32) {
	rotated := make([]float32, s.rotation.Size())
	s.rotation.Rotate(rotated, v)
	codes.Data = append(codes.Data, make([]uint8, codes.Size)...)
	quant.EncodeBytes(codes.Row(uint32(codes.Rows()-1)), rotated)
	record := make([]byte, quant.RecordSize(codes.Size))
	quant.EncodeBits(record, rotated)
	codes.Records = append(codes.Records, record...)
}

func gaussian(r *rand.Rand, dim int, sigma float64) []float32 {
	v := make([]float32, dim)
	for i := range v {
		v[i] = float32(r.NormFloat64() * sigma)
	}
	return v
}

func (s *space) vector() []float32 {
	center := s.centers[s.random.IntN(len(s.centers))]
	v := gaussian(s.random, len(center), 1.2)
	var norm float64
	for i := range v {
		v[i] += center[i]
		norm += float64(v[i]) * float64(v[i])
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(norm))
	}
	return v
}

func (s *space) query(v []float32) Query {
	rotated := make([]float32, s.rotation.Size())
	s.rotation.Rotate(rotated, v)
	q := Query{Codes: make([]int8, s.rotation.Size()), Bits: &kernel.BitQuery{}}
	quant.SetBitQuery(q.Bits, rotated)
	q.Sum = quant.EncodeQuery(q.Codes, rotated)
	return q
}

// nearest scans all allowed rows.
func (s *space) nearest(q Query, k int, allowed []uint64) []uint32 {
	ids := make([]uint32, s.codes.Rows())
	for i := range ids {
		ids[i] = uint32(i)
	}
	if allowed != nil {
		ids = slices.DeleteFunc(ids, func(i uint32) bool { return allowed[i>>6]>>(i&63)&1 == 0 })
	}
	out := make([]int32, len(ids))
	kernel.DotsU8(out, q.Codes, s.codes.Data, ids)
	var best []Found
	for i, row := range ids {
		best, _ = insert(best, k, Found{Row: row, Score: out[i] - 128*q.Sum})
	}
	return rowsOf(best)
}

func rowsOf(found []Found) []uint32 {
	var rows []uint32
	for _, f := range found {
		rows = append(rows, f.Row)
	}
	return rows
}

func recall(got, want []uint32) float64 {
	hits := 0
	for _, row := range want {
		if slices.Contains(got, row) {
			hits++
		}
	}
	return float64(hits) / float64(len(want))
}

func (s *space) recall(t *testing.T, g *Graph, beam int, allowed []uint64) float64 {
	t.Helper()
	const queries, k = 100, 10
	sum := 0.0
	for range queries {
		q := s.query(s.vector())
		found, done := g.Search(nil, q, beam, allowed, nil, 0)
		if !done {
			t.Fatal("a search without a budget ran out of it")
		}
		if !slices.IsSortedFunc(found, func(a, b Found) int { return int(b.Score) - int(a.Score) }) {
			t.Fatal("found rows are not sorted by score")
		}
		rows := rowsOf(found)
		for _, row := range rows {
			if allowed != nil && allowed[row>>6]>>(row&63)&1 == 0 {
				t.Fatalf("row %d is not allowed", row)
			}
		}
		sum += recall(rows[:min(k, len(rows))], s.nearest(q, k, allowed)) / queries
	}
	return sum
}

// rows that make a top graph as well.
const testRows = sampled*least + 1000

func TestRecall(t *testing.T) {
	s := newSpace(testRows, 64, 200)
	g, err := Build(context.Background(), s.codes, Options{Beam: 64, Alpha: 1, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	if g.top == nil {
		t.Fatal("no top graph was built")
	}
	if r := s.recall(t, g, 100, nil); r < 0.95 {
		t.Errorf("recall@10 is %.3f at beam 100", r)
	}
	half := make([]uint64, testRows/64+1)
	for i := range half {
		half[i] = 0x5555555555555555
	}
	if r := s.recall(t, g, 100, half); r < 0.95 {
		t.Errorf("recall@10 of every second row is %.3f", r)
	}
	opened, err := Open(s.codes, g.Arrays())
	if err != nil {
		t.Fatal(err)
	}
	q := s.query(s.vector())
	a, _ := g.Search(nil, q, 50, nil, nil, 0)
	b, _ := opened.Search(nil, q, 50, nil, nil, 0)
	if !slices.Equal(a, b) {
		t.Error("the opened graph answers otherwise than the built one")
	}
	if _, done := g.Search(nil, q, 50, half, nil, 60); done {
		t.Error("a budget of 60 rows did not end the search")
	}
	s.extend(t, g)
}

// extend drops a third of the rows, shifts the others, and adds new ones.
func (s *space) extend(t *testing.T, base *Graph) {
	t.Helper()
	rowOf := make([]uint32, base.Rows())
	next := Codes{Size: s.codes.Size}
	for row := range rowOf {
		rowOf[row] = Gone
		if row%3 != 0 {
			rowOf[row] = uint32(next.Rows())
			next.Data = append(next.Data, s.codes.Row(uint32(row))...)
			next.Records = append(next.Records, s.codes.record(uint32(row))...)
		}
	}
	for range 2000 {
		s.append(&next, s.vector())
	}
	g, err := Extend(context.Background(), next, Options{Beam: 64, Alpha: 1, Threads: 2}, base, rowOf)
	if err != nil {
		t.Fatal(err)
	}
	s.codes = next
	if r := s.recall(t, g, 160, nil); r < 0.95 {
		t.Errorf("recall@10 after an extension is %.3f", r)
	}
}

func TestSmallGraphs(t *testing.T) {
	for _, rows := range []int{0, 1, 2, 40} {
		s := newSpace(rows, 64, 3)
		g, err := Build(context.Background(), s.codes, DefaultOptions())
		if err != nil {
			t.Fatal(err)
		}
		q := s.query(s.vector())
		found, _ := g.Search(nil, q, 100, nil, nil, 0)
		if len(found) != rows {
			t.Errorf("found %d of %d rows", len(found), rows)
		}
	}
}

func TestBuildStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Build(ctx, newSpace(100, 64, 3).codes, DefaultOptions()); err == nil {
		t.Error("a cancelled build returned a graph")
	}
}

func TestOpenRefusesDamage(t *testing.T) {
	s := newSpace(100, 64, 3)
	g, err := Build(context.Background(), s.codes, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(*Arrays){
		"short":    func(a *Arrays) { a.Neighbors = a.Neighbors[1:] },
		"degree":   func(a *Arrays) { a.Degrees[3] = Degree + 1 },
		"neighbor": func(a *Arrays) { a.Neighbors[0] = 100 },
		"sample":   func(a *Arrays) { a.Sample = []uint32{100} },
	} {
		a := g.Arrays()
		a.Neighbors, a.Degrees = slices.Clone(a.Neighbors), slices.Clone(a.Degrees)
		damage(&a)
		if _, err := Open(s.codes, a); err == nil {
			t.Errorf("%s: damage was not noticed", name)
		}
	}
}
