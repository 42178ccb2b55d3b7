package enginebench

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"github.com/quarry-search/quarry/internal/engine/kernel"
)

const (
	shared      = 128  // directions that all synthetic vectors have in common
	clusters    = 2000 // of Clustered
	clusterAxes = 30
	blockRows   = 4096 // made from one seed
)

// space makes synthetic vectors out of random ones.
type space struct {
	dim   int
	basis []float32 // [dim][shared]: transposed, so that a product is a row of dots
	ids   []uint32  // 0 to dim
}

func newSpace(r *rand.Rand, dim int) *space {
	s := &space{dim: dim, basis: make([]float32, dim*shared), ids: make([]uint32, dim)}
	for i := range s.basis {
		s.basis[i] = normal(r) / float32(math.Sqrt(float64(dim)))
	}
	for i := range s.ids {
		s.ids[i] = uint32(i)
	}
	return s
}

func normal(r *rand.Rand) float32 { return float32(r.NormFloat64()) }

// draw writes Σ gₖ·decay(k)·basisₖ for random g.
func (s *space) draw(out []float32, r *rand.Rand, decay func(k int) float64) {
	var a [shared]float32
	for k := range a {
		a[k] = normal(r) * float32(decay(k))
	}
	kernel.DotsF32(out, a[:], s.basis, s.ids)
}

func normalize(v []float32) {
	var square float64
	for _, x := range v {
		square += float64(x) * float64(x)
	}
	scale := float32(1 / math.Sqrt(square))
	for i := range v {
		v[i] *= scale
	}
}

// Clustered makes D1: 2,000 gaussians with weights ∝ rank^-½, each with 30
// axes of its own which mostly lie in directions that all share. Within a
// cluster vectors spread 1.6 times as far as its centre is from the origin.
// Correlated filters pass whole clusters.
func Clustered(rows, queries, dim int) *Dataset {
	r := rand.New(rand.NewPCG(42, 1))
	s := newSpace(r, dim)
	c := newClusters(s, r)
	of := make([]uint16, rows+queries)
	all := generate(rows+queries, dim, 1, func(v []float32, r *rand.Rand, i int) {
		of[i] = c.pick(r)
		c.draw(v, r, int(of[i]))
	})
	d := split(all, rows)
	d.Masks = randomMasks(rows)
	for bit, f := range Filters {
		if !f.Correlated {
			continue
		}
		in := c.choose(r, f.Share)
		for i := range d.Masks {
			if in[of[i]] {
				d.Masks[i] |= 1 << bit
			}
		}
	}
	return d
}

type clusterSet struct {
	*space
	centers []float32 // [clusters][dim]
	axes    []float32 // [clusters][dim][axesPadded]
	weights [axesPadded]float32
	upTo    []float64 // cumulated weights of clusters
}

const axesPadded = (clusterAxes + kernel.FloatBlock - 1) / kernel.FloatBlock * kernel.FloatBlock

func newClusters(s *space, r *rand.Rand) *clusterSet {
	c := &clusterSet{space: s, centers: make([]float32, clusters*s.dim), axes: make([]float32, clusters*s.dim*axesPadded)}
	var square float32
	for j := range clusterAxes {
		c.weights[j] = 1 / float32(math.Sqrt(1+float64(j)/10))
		square += c.weights[j] * c.weights[j]
	}
	for j := range c.weights {
		c.weights[j] *= 1.6 / float32(math.Sqrt(float64(square)))
	}
	decay := func(k int) float64 { return 1 / math.Sqrt(1+float64(k)/16) }
	axis, own := make([]float32, s.dim), make([]float32, s.dim)
	for i := range clusters {
		center := c.centers[i*s.dim:][:s.dim]
		s.draw(center, r, decay)
		normalize(center)
		for j := range clusterAxes {
			s.draw(axis, r, decay)
			normalize(axis)
			for k := range own {
				own[k] = normal(r)
			}
			normalize(own)
			for k := range axis {
				axis[k] = 0.9*axis[k] + 0.4*own[k]
			}
			normalize(axis)
			for k, x := range axis {
				c.axes[(i*s.dim+k)*axesPadded+j] = x
			}
		}
	}
	weights := make([]float64, clusters)
	for i := range weights {
		weights[i] = 1 / math.Sqrt(float64(i)+1)
	}
	r.Shuffle(clusters, func(i, j int) { weights[i], weights[j] = weights[j], weights[i] })
	sum := 0.0
	for _, w := range weights {
		sum += w
		c.upTo = append(c.upTo, sum)
	}
	return c
}

func (c *clusterSet) pick(r *rand.Rand) uint16 {
	at, _ := slices.BinarySearch(c.upTo, r.Float64()*c.upTo[clusters-1])
	return uint16(min(at, clusters-1))
}

// draw writes a vector of a cluster.
func (c *clusterSet) draw(v []float32, r *rand.Rand, cluster int) {
	var a [axesPadded]float32
	for j := range clusterAxes {
		a[j] = c.weights[j] * normal(r)
	}
	kernel.DotsF32(v, a[:], c.axes[cluster*c.dim*axesPadded:][:c.dim*axesPadded], c.ids)
	noise := float32(0.4 / math.Sqrt(float64(c.dim)))
	for i, x := range c.centers[cluster*c.dim:][:c.dim] {
		v[i] += x + noise*normal(r)
	}
}

// choose takes clusters at random until they hold about a share of the rows.
func (c *clusterSet) choose(r *rand.Rand, share float64) (in [clusters]bool) {
	held := 0.0
	for _, i := range r.Perm(clusters) {
		weight := c.upTo[i]
		if i > 0 {
			weight -= c.upTo[i-1]
		}
		weight /= c.upTo[clusters-1]
		if held > 0 && held+weight > share*1.15 {
			continue
		}
		if held >= share*0.95 {
			break
		}
		in[i] = true
		held += weight
	}
	return in
}

// Spread makes D2: no clusters, 128 directions whose variance falls as
// (1+k/8)^-1.5, and noise. Correlated filters pass the rows that lie farthest
// in a random direction.
func Spread(rows, queries, dim int) *Dataset {
	r := rand.New(rand.NewPCG(43, 1))
	s := newSpace(r, dim)
	noise := float32(0.2 * math.Sqrt(12.1/float64(dim)))
	decay := func(k int) float64 { return math.Pow(1+float64(k)/8, -0.75) }
	draw := func(v []float32, r *rand.Rand, _ int) {
		s.draw(v, r, decay)
		for i := range v {
			v[i] += noise * normal(r)
		}
	}
	d := split(generate(rows+queries, dim, 2, draw), rows)
	d.Masks = randomMasks(rows)
	d.MaskDirections(func(v []float32) { draw(v, r, 0) })
	return d
}

// MaskDirections sets the correlated filters: each passes the rows with the
// greatest product with a vector that draw writes.
func (d *Dataset) MaskDirections(draw func(v []float32)) {
	rows := d.Base.Rows()
	ids := make([]uint32, rows)
	for i := range ids {
		ids[i] = uint32(i)
	}
	direction, scores := make([]float32, d.Base.Dim), make([]float32, rows)
	for bit, f := range Filters {
		if !f.Correlated {
			continue
		}
		draw(direction)
		kernel.DotsF32(scores, direction, d.Base.Data, ids)
		sorted := slices.Clone(scores)
		slices.Sort(sorted)
		least := sorted[rows-int(f.Share*float64(rows))]
		for i, score := range scores {
			if score >= least {
				d.Masks[i] |= 1 << bit
			}
		}
	}
}

// randomMasks draws the filters that are not correlated.
func randomMasks(rows int) []uint16 {
	r := rand.New(rand.NewPCG(44, 1))
	masks := make([]uint16, rows)
	for i := range masks {
		for bit, f := range Filters {
			if !f.Correlated && r.Float64() < f.Share {
				masks[i] |= 1 << bit
			}
		}
	}
	return masks
}

// generate makes rows by blocks, each from a seed of its own: the result does
// not depend on the number of processors.
func generate(rows, dim int, seed uint64, draw func(v []float32, r *rand.Rand, i int)) Matrix {
	m := Matrix{Dim: dim, Data: make([]float32, rows*dim)}
	parallel((rows+blockRows-1)/blockRows, func(block int) {
		r := rand.New(rand.NewPCG(seed, uint64(block)))
		for i := block * blockRows; i < min(rows, (block+1)*blockRows); i++ {
			draw(m.Row(i), r, i)
			normalize(m.Row(i))
		}
	})
	return m
}

// parallel calls f with 0 to n-1 on all processors.
func parallel(n int, f func(i int)) {
	var group sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	group.Wait()
}

func split(all Matrix, rows int) *Dataset {
	at := rows * all.Dim
	return &Dataset{Base: Matrix{all.Dim, all.Data[:at:at]}, Queries: Matrix{all.Dim, all.Data[at:]}}
}
