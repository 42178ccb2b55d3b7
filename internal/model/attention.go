package model

import "github.com/quarry-search/quarry/internal/model/kernel"

// attentionRows is how many queries share a pass over the keys: their scores
// stay in the first-level cache.
const attentionRows = 12

// attention fills s.attended from s.qkv, sequence by sequence and head by
// head. Scores are never stored for more than attentionRows queries.
func (p *pass) attention() error {
	first := 0
	for _, q := range p.seqs {
		if err := p.pause(); err != nil {
			return err
		}
		for h := range p.m.spec.Heads {
			p.head(h, first, len(q))
		}
		first += len(q)
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
func (p *pass) head(h, first, n int) {
	const w = kernel.Width
	k, s, spec := p.m.kernels, p.s, &p.m.spec
	panels, padded, attn := spec.headPad()/w, roundUp(n, w), spec.attnPad()
	for i := range panels {
		transpose(s.keys[i*padded*w:], p.panel(1, h*panels+i, first), n, padded)
	}
	for r := 0; r < n; r += attentionRows {
		rows := min(attentionRows, n-r)
		for c := 0; c < padded; c += w {
			bias := p.m.mask[max(0, c+w-n):][:w]
			for i := range panels {
				q := p.panel(0, h*panels+i, first+r)
				k.PanelF32(rows, w, q, w, s.keys[(i*padded+c)*w:], s.scores[c:], padded, bias, nil)
				bias = nil
			}
		}
		k.Softmax(s.scores, padded, rows, padded, s.inv)
		for i := range panels {
			out := s.attended[(first+r)*attn+(h*panels+i)*w:]
			k.PanelF32(rows, n, s.scores, padded, p.panel(2, h*panels+i, first), out, attn, p.m.zeros, s.inv)
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
