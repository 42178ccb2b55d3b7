package model

import "github.com/quarry-search/quarry/internal/model/kernel"

// blockRows is how many rows go through a product at once: enough to use
// each weight often, few enough that their activations stay in the cache and
// that interactive work waits less than a millisecond.
const blockRows = 48

// scratch is the memory of one pass, kept for the next.
type scratch struct {
	x, y, qkv, attended, mid []float32
	keys, scores, inv        []float32
	rows                     kernel.Rows
}

// pass is one run of sequences, packed end to end, through a model.
type pass struct {
	m     *Model
	seqs  [][]int32
	total int // tokens
	s     *scratch
	// pause is called between blocks: it may run something more urgent, and
	// its error ends the pass.
	pause func() error
}

func grow(buf []float32, n int) []float32 {
	if cap(buf) < n {
		return make([]float32, n)
	}
	return buf[:n]
}

// forward returns a vector for each sequence.
func (m *Model) forward(seqs [][]int32, pause func() error) ([][]float32, error) {
	s := m.scratch.Get().(*scratch)
	defer m.scratch.Put(s)
	p := &pass{m: m, seqs: seqs, s: s, pause: pause}
	for _, q := range seqs {
		p.total += len(q)
	}
	p.reserve()
	p.embed()
	for i := range m.layers {
		if err := p.layer(&m.layers[i]); err != nil {
			return nil, err
		}
	}
	out := make([][]float32, len(seqs))
	first := 0
	for i, q := range seqs {
		out[i] = m.pool(p.s.x[first*p.width():], p.width(), len(q))
		first += len(q)
	}
	return out, nil
}

// width is the stride of a row of activations.
func (p *pass) width() int { return roundUp(p.m.spec.Hidden, align) }

func (p *pass) reserve() {
	s, spec, t := p.s, &p.m.spec, p.total
	s.x = grow(s.x, t*p.width())
	s.y = grow(s.y, blockRows*p.width())
	s.qkv = grow(s.qkv, 3*t*spec.attnPad())
	s.attended = grow(s.attended, t*spec.attnPad())
	s.mid = grow(s.mid, blockRows*roundUp(spec.Intermediate, align))
	longest := 0
	for _, q := range p.seqs {
		longest = max(longest, roundUp(len(q), kernel.Width))
	}
	s.keys = grow(s.keys, longest*spec.headPad())
	s.scores = grow(s.scores, attentionRows*longest)
	s.inv = grow(s.inv, attentionRows)
}

func (p *pass) embed() {
	m, w, h := p.m, p.width(), p.m.spec.Hidden
	row, position := 0, p.s.y[:h]
	for _, q := range p.seqs {
		for i, id := range q {
			x := p.s.x[row*w : (row+1)*w]
			clear(x)
			clear(position)
			m.word.addRow(x, int(id))
			if m.spec.Types > 0 {
				m.types.addRow(x, 0)
			}
			m.position.addRow(position, i+m.spec.FirstPos)
			m.kernels.LayerNorm(x[:h], position, m.norm.gamma, m.norm.beta, float32(m.spec.Epsilon))
			row++
		}
	}
}

// layer takes every row through one layer of an encoder that normalises after
// each half (Vaswani et al. 2017, arXiv:1706.03762; BERT, arXiv:1810.04805).
func (p *pass) layer(l *layer) error {
	w, s := p.width(), p.s
	err := p.blocks(func(first, n int) {
		// Panels of 32 columns stand apart, so that a head is contiguous.
		p.multiply(&l.qkv, s.x[first*w:], w, n, s.qkv[first*kernel.Width:], kernel.Width, p.total*kernel.Width)
	})
	if err != nil {
		return err
	}
	if err := p.attention(); err != nil {
		return err
	}
	attn, wide := p.m.spec.attnPad(), roundUp(p.m.spec.Intermediate, align)
	return p.blocks(func(first, n int) {
		x := s.x[first*w:]
		p.multiply(&l.attention, s.attended[first*attn:], attn, n, s.y, w, kernel.Width)
		p.addNorm(x, n, l.attentionNorm)
		p.multiply(&l.up, x, w, n, s.mid, wide, kernel.Width)
		p.m.kernels.GELU(s.mid[:n*wide])
		p.multiply(&l.down, s.mid, wide, n, s.y, w, kernel.Width)
		p.addNorm(x, n, l.norm)
	})
}

// blocks calls f for each block of rows, pausing before each.
func (p *pass) blocks(f func(first, n int)) error {
	for first := 0; first < p.total; first += blockRows {
		if err := p.pause(); err != nil {
			return err
		}
		f(first, min(blockRows, p.total-first))
	}
	return nil
}

func (p *pass) multiply(l *linear, x []float32, stride, rows int, out []float32, ldc, panel int) {
	k := p.m.kernels
	if l.f32 != nil {
		k.MulF32(l.f32, x, stride, rows, out, ldc, panel)
		return
	}
	k.Quantise(&p.s.rows, x, stride, rows, l.i8.K)
	k.MulI8(l.i8, &p.s.rows, rows, out, ldc, panel)
}

// addNorm sets n rows of x to the normalised sum of x and y.
func (p *pass) addNorm(x []float32, n int, g norm) {
	w, h := p.width(), p.m.spec.Hidden
	for i := range n {
		p.m.kernels.LayerNorm(x[i*w:i*w+h], p.s.y[i*w:i*w+h], g.gamma, g.beta, float32(p.m.spec.Epsilon))
	}
}
