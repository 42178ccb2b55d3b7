package model

import "github.com/quarry-search/quarry/internal/model/kernel"

// attentionRows is how many queries share a pass over the keys: their scores
// stay in the first-level cache.
const attentionRows = 12

// attention fills s.attended from s.qkv, sequence by sequence and head by
// head. Scores are never stored for more than attentionRows queries.
func (p *pass) attention(l *layer) error {
	first := 0
	for _, q := range p.seqs {
		for h := range p.m.spec.Heads {
			if err := p.pause(); err != nil {
				return err
			}
			p.head(l, h, first, len(q.ids))
		}
		first += len(q.ids)
	}
	return nil
}

// panel returns the rows of column panel n of the query (part 0), key (1) or
// value (2) of a sequence that starts at row first.
func (p *pass) panel(part, n, first int) []float32 {
	n += part * p.m.spec.attnPad() / kernel.Width
	return p.s.qkv[(n*p.total+first)*kernel.Width:]
}

// head attends for one head of one sequence of n tokens.
func (p *pass) head(l *layer, h, first, n int) {
	const w = kernel.Width
	k, s, spec := p.m.kernels, p.s, &p.m.spec
	panels, padded, attn := spec.headPad()/w, roundUp(n, w), spec.attnPad()
	p.rotate(l, h, first, n)
	for i := range panels {
		transpose(s.keys[i*padded*w:], p.panel(1, h*panels+i, first), n, padded)
	}
	for r := 0; r < n; r += attentionRows {
		rows := min(attentionRows, n-r)
		from, to := 0, n // the keys that some of these rows see
		if !l.global {
			from, to = max(0, r-spec.Window)/w*w, min(n, r+rows+spec.Window)
		}
		end := roundUp(to, w)
		for c := from; c < end; c += w {
			bias := p.m.mask[max(0, c+w-n):][:w]
			for i := range panels {
				q := p.panel(0, h*panels+i, first+r)
				k.PanelF32(rows, w, q, w, s.keys[(i*padded+c)*w:], s.scores[c-from:], padded, bias, nil)
				bias = nil
			}
		}
		p.adjust(l, h, r, rows, from, min(end, n), padded)
		k.Softmax(s.scores, padded, rows, end-from, s.inv)
		for i := range panels {
			out := s.attended[(first+r)*attn+(h*panels+i)*w:]
			k.PanelF32(rows, min(end, n)-from, s.scores, padded, p.panel(2, h*panels+i, first+from), out, attn, p.m.zeros, s.inv)
		}
	}
}

// rotate turns the queries and keys of a head by their positions.
func (p *pass) rotate(l *layer, h, first, n int) {
	r := p.m.rotary
	if !l.global {
		r = p.m.rotaryLocal
	}
	if r == nil {
		return
	}
	panels := p.m.spec.headPad() / kernel.Width
	for part := range 2 {
		r.turn(n, func(i int) []float32 { return p.panel(part, h*panels+i, first) })
	}
}

// adjust adds relative positions to the scores of rows queries from r on with
// the keys from to to, and masks those outside the window.
func (p *pass) adjust(l *layer, h, r, rows, from, to, stride int) {
	if p.m.relative != nil {
		for i := range rows {
			bias := p.m.relative[h][p.m.spec.MaxTokens-1-r-i+from:]
			row := p.s.scores[i*stride : i*stride+to-from]
			for j := range row {
				row[j] += bias[j]
			}
		}
	}
	if l.global {
		return
	}
	for i := range rows {
		row := p.s.scores[i*stride : i*stride+to-from]
		for j := range row {
			if d := r + i - from - j; d > p.m.spec.Window || -d > p.m.spec.Window {
				row[j] = -1e30
			}
		}
	}
}

// transpose packs n rows of Width keys as panels of Width columns, up to
// padded columns.
func transpose(dst, src []float32, n, padded int) {
	const w = kernel.Width
	for j := range n {
		out := dst[j/w*w*w+j%w:]
		for d, v := range src[j*w : (j+1)*w] {
			out[d*w] = v
		}
	}
	for j := n; j < padded; j++ {
		out := dst[j/w*w*w+j%w:]
		for d := range w {
			out[d*w] = 0
		}
	}
}
