package model

import "github.com/quarry-search/quarry/internal/model/kernel"

// scratch is the memory of one pass, kept for the next.
type scratch struct {
	x, y, qkv, attended, mid []float32
	keys, scores, inv        []float32
	rows                     kernel.Rows
	halves                   kernel.Halves
}

// sequence is the tokens of one input; from second on they belong to the
// second segment of a pair.
type sequence struct {
	ids    []int32
	second int
}

// pass is one run of sequences, packed end to end, through a model.
type pass struct {
	m     *Model
	seqs  []sequence
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

// forward returns a vector for each sequence, or the scores of its labels.
func (m *Model) forward(seqs []sequence, pause func() error) ([][]float32, error) {
	s := m.scratch.Get().(*scratch)
	defer m.scratch.Put(s)
	p := &pass{m: m, seqs: seqs, total: countTokens(seqs), s: s, pause: pause}
	if err := p.hidden(); err != nil {
		return nil, err
	}
	out := make([][]float32, len(seqs))
	first, w := 0, p.width()
	for i, q := range seqs {
		x := s.x[first*w : (first+len(q.ids))*w]
		if m.head != nil {
			out[i] = m.logits(x, w, len(q.ids))
		} else {
			out[i] = m.vector(x, w, len(q.ids))
		}
		first += len(q.ids)
	}
	return out, nil
}

// hidden fills s.x with the network's last hidden states.
func (p *pass) hidden() error {
	p.reserve()
	p.embed()
	for i := range p.m.layers {
		if err := p.layer(&p.m.layers[i]); err != nil {
			return err
		}
	}
	if p.m.spec.PreNorm {
		p.normalise(p.s.x, p.m.zeros, 0, p.total, p.m.finalNorm)
	}
	return nil
}

// width is the stride of a row of activations.
func (p *pass) width() int { return roundUp(p.m.spec.Hidden, align) }

func (p *pass) reserve() {
	s, spec, t := p.s, &p.m.spec, p.total
	s.x = grow(s.x, t*p.width())
	s.y = grow(s.y, p.m.kernels.BlockRows()*p.width())
	s.qkv = grow(s.qkv, 3*t*spec.attnPad())
	s.attended = grow(s.attended, t*spec.attnPad())
	s.mid = grow(s.mid, p.m.kernels.BlockRows()*spec.upPad())
	longest := 0
	for _, q := range p.seqs {
		longest = max(longest, roundUp(len(q.ids), kernel.Width))
	}
	s.keys = grow(s.keys, longest*spec.headPad())
	s.scores = grow(s.scores, attentionRows*longest)
	s.inv = grow(s.inv, attentionRows)
}

func (p *pass) embed() {
	m, w, h := p.m, p.width(), p.m.spec.Hidden
	row, add := 0, p.s.y[:h]
	for _, q := range p.seqs {
		for i, id := range q.ids {
			x := p.s.x[row*w : (row+1)*w]
			clear(x)
			clear(add)
			m.word.addRow(x, int(id))
			if m.spec.Types > 0 {
				m.types.addRow(x, m.segment(q, i))
			}
			if m.spec.Rotary == 0 {
				m.position.addRow(add, i+m.spec.FirstPos)
			}
			m.kernels.LayerNorm(x[:h], add, m.norm.gamma, m.norm.beta, float32(m.spec.Epsilon))
			row++
		}
	}
}

// segment is the type of token i: models with two types tell the texts of a
// pair apart.
func (m *Model) segment(q sequence, i int) int {
	if q.second > 0 && i >= q.second && m.spec.Types > 1 {
		return 1
	}
	return 0
}

// layer takes every row through one layer: attention, then the product with
// an activation, each added to its input (Vaswani et al. 2017,
// arXiv:1706.03762), which is normalised after (BERT) or before.
func (p *pass) layer(l *layer) error {
	if err := p.project(l); err != nil {
		return err
	}
	if err := p.attention(l); err != nil {
		return err
	}
	w, s, attn := p.width(), p.s, p.m.spec.attnPad()
	return p.blocks(func(first, n int) {
		x := s.x[first*w:]
		p.multiply(&l.attention, s.attended[first*attn:], attn, n, s.y, w, kernel.Width)
		if p.m.spec.PreNorm {
			p.add(x, n)
			copy(s.y, x[:n*w])
			p.normalise(s.y, p.m.zeros, 0, n, l.norm)
			p.expand(l, s.y, n)
			p.add(x, n)
			return
		}
		p.normalise(x, s.y, w, n, l.attentionNorm)
		p.expand(l, x, n)
		p.normalise(x, s.y, w, n, l.norm)
	})
}

// project fills s.qkv with queries, keys and values. Panels of 32 columns
// stand apart, so that a head is contiguous.
func (p *pass) project(l *layer) error {
	w, s := p.width(), p.s
	return p.blocks(func(first, n int) {
		x := s.x[first*w:]
		if p.m.spec.PreNorm && l.attentionNorm.gamma != nil {
			copy(s.y, x[:n*w])
			x = s.y
			p.normalise(x, p.m.zeros, 0, n, l.attentionNorm)
		}
		p.multiply(&l.qkv, x, w, n, s.qkv[first*kernel.Width:], kernel.Width, p.total*kernel.Width)
	})
}

// expand sets s.y to the second half of a layer on n rows of x.
func (p *pass) expand(l *layer, x []float32, n int) {
	spec, s, k := &p.m.spec, p.s, p.m.kernels
	w, wide := p.width(), spec.upPad()
	p.multiply(&l.up, x, w, n, s.mid, wide, kernel.Width)
	if spec.Gated {
		for i := range n {
			row := s.mid[i*wide : (i+1)*wide]
			activate(k, spec.Activation, row[:wide/2])
			k.Mul(row[:wide/2], row[wide/2:])
		}
	} else {
		activate(k, spec.Activation, s.mid[:n*wide])
	}
	p.multiply(&l.down, s.mid, wide, n, s.y, w, kernel.Width)
}

// blocks calls f for each block of rows, pausing before each: interactive
// work waits no longer than one takes, which is under a millisecond.
func (p *pass) blocks(f func(first, n int)) error {
	blockRows := p.m.kernels.BlockRows()
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
	if l.bf16 != nil {
		k.Round(&p.s.halves, x, stride, rows, l.bf16.K)
		k.MulBF16(l.bf16, &p.s.halves, rows, out, ldc, panel)
		return
	}
	k.Quantise(&p.s.rows, x, stride, rows, l.i8.K)
	k.MulI8(l.i8, &p.s.rows, rows, out, ldc, panel)
}

// normalise sets n rows of x to the layer norm of x + y, whose rows are
// stride apart (0: one row for all).
func (p *pass) normalise(x, y []float32, stride, n int, g norm) {
	w, h := p.width(), p.m.spec.Hidden
	for i := range n {
		p.m.kernels.LayerNorm(x[i*w:i*w+h], y[i*stride:i*stride+h], g.gamma, g.beta, float32(p.m.spec.Epsilon))
	}
}

// add adds n rows of s.y to x.
func (p *pass) add(x []float32, n int) {
	for i, v := range p.s.y[:n*p.width()] {
		x[i] += v
	}
}
