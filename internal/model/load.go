package model

import (
	"errors"
	"fmt"
	"sync"

	"github.com/quarry-search/quarry/internal/model/kernel"
	"github.com/quarry-search/quarry/internal/model/tokenizer"
)

// linear is a packed layer; one of the three is set.
type linear struct {
	i8   *kernel.I8
	bf16 *kernel.BF16
	f32  *kernel.F32
}

type norm struct{ gamma, beta []float32 }

type layer struct {
	global                   bool // sees the whole text, not a window
	qkv, attention, up, down linear
	attentionNorm, norm      norm
}

// table is an embedding table: bytes with a scale per row, or floats of 16 or
// 32 bits.
type table struct {
	width  int
	bytes  []int8
	scale  []float32
	halves []uint16
	floats []float32
}

// addRow adds row id to x.
func (t *table) addRow(x []float32, id int) {
	if t.halves != nil {
		for i, v := range t.halves[id*t.width : (id+1)*t.width] {
			x[i] += kernel.FromBF16(v)
		}
		return
	}
	if t.floats != nil {
		for i, v := range t.floats[id*t.width : (id+1)*t.width] {
			x[i] += v
		}
		return
	}
	scale := t.scale[id]
	for i, v := range t.bytes[id*t.width : (id+1)*t.width] {
		x[i] += float32(float32(v) * scale) // the conversion forbids fusing: CPUs agree
	}
}

// Model is a network ready to run. Safe for concurrent use.
type Model struct {
	spec        Spec
	fingerprint string
	sizeBytes   int64
	maxTokens   int // that are left to a text by the longer prompt
	tok         tokenizer.Tokenizer
	kernels     *kernel.Set

	word, position, types table // types and position may be empty
	norm, finalNorm       norm
	layers                []layer
	head                  *head
	dense                 []*kernel.F32 // after pooling
	rotary, rotaryLocal   *rotary
	relative              [][]float32 // per head: score of each distance, see relativeScores
	mask                  []float32   // Width zeros, then Width times minus infinity
	zeros                 []float32   // as many as the widest row

	scratch sync.Pool
}

// load builds a model over the bytes of a file, which must not change.
func load(data []byte) (*Model, error) {
	f, err := parse(data)
	if err != nil {
		return nil, err
	}
	m := &Model{spec: f.header.Spec, fingerprint: f.header.Fingerprint, sizeBytes: int64(len(data)), kernels: kernel.Best()}
	m.mask = make([]float32, 2*kernel.Width)
	m.zeros = make([]float32, max(kernel.Width, m.spec.Hidden))
	for i := range kernel.Width {
		m.mask[kernel.Width+i] = -1e30
	}
	m.scratch.New = func() any { return new(scratch) }
	raw, err := f.section("tokenizer", -1)
	if err != nil {
		return nil, err
	}
	if m.tok, err = tokenizer.Open(raw); err != nil {
		return nil, err
	}
	if m.tok.VocabSize() > m.spec.Vocabulary {
		return nil, fmt.Errorf("the tokenizer has %d tokens, the network %d", m.tok.VocabSize(), m.spec.Vocabulary)
	}
	m.maxTokens = m.spec.MaxTokens - max(m.tok.CountTokens(m.spec.QueryPrompt), m.tok.CountTokens(m.spec.PassagePrompt))
	if m.maxTokens < 3 {
		return nil, fmt.Errorf("prompts leave no room in %d tokens", m.spec.MaxTokens)
	}
	l := &loader{f: f, spec: &m.spec}
	l.network(m)
	if len(l.errs) > 0 {
		return nil, errors.Join(l.errs...)
	}
	return m, nil
}

type loader struct {
	f    *file
	spec *Spec
	errs []error
}

func (l *loader) network(m *Model) {
	s := l.spec
	m.word = l.table("embed.word", s.Vocabulary)
	if s.Rotary == 0 {
		m.position = table{width: s.Hidden, floats: l.floats("embed.position", s.Positions*s.Hidden)}
	} else {
		m.rotary, m.rotaryLocal = newRotary(s, s.Rotary), newRotary(s, s.RotaryLocal)
	}
	if s.Types > 0 {
		m.types = table{width: s.Hidden, floats: l.floats("embed.type", s.Types*s.Hidden)}
	}
	if s.Buckets > 0 {
		m.relative = relativeScores(s, l.floats("embed.relative", s.Buckets*s.Heads))
	}
	m.norm = l.norm("embed.norm")
	for i := range s.Layers {
		m.layers = append(m.layers, l.layer(fmt.Sprintf("layer.%d.", i), s.global(i)))
		if len(l.errs) > 0 {
			return
		}
	}
	if s.PreNorm {
		m.finalNorm = l.norm("norm")
	}
	for i, d := range s.Dense {
		m.dense = append(m.dense, l.exact(fmt.Sprintf("dense.%d", i), d.Out, d.In))
	}
	if h := s.Head; h != nil {
		m.head = &head{dense: l.exact("head.dense", s.Hidden, s.Hidden), out: l.exact("head.out", h.Labels, s.Hidden)}
		if h.Norm {
			m.head.norm = l.norm("head.norm")
		}
	}
}

func (l *loader) layer(p string, global bool) layer {
	s := l.spec
	out := layer{
		global:    global,
		qkv:       l.linear(p+"qkv", 3*s.attnPad(), s.Hidden),
		attention: l.linear(p+"attention", s.Hidden, s.attnPad()),
		up:        l.linear(p+"up", s.upPad(), s.Hidden),
		down:      l.linear(p+"down", s.Hidden, s.Intermediate),
		norm:      l.norm(p + "norm"),
	}
	if _, ok := l.f.sections[p+"attention.norm.gamma"]; ok || !s.PreNorm {
		out.attentionNorm = l.norm(p + "attention.norm")
	}
	return out
}

func check[T any](l *loader, v T, err error) T {
	if err != nil {
		l.errs = append(l.errs, err)
	}
	return v
}

func (l *loader) floats(name string, n int) []float32 {
	v, err := l.f.floats(name, n)
	return check(l, v, err)
}

func (l *loader) bytes(name string, n int) []int8 {
	v, err := l.f.int8s(name, n)
	return check(l, v, err)
}

func (l *loader) halves(name string, n int) []uint16 {
	v, err := l.f.halves(name, n)
	return check(l, v, err)
}

func (l *loader) norm(name string) norm {
	return norm{gamma: l.floats(name+".gamma", l.spec.Hidden), beta: l.floats(name+".beta", l.spec.Hidden)}
}

func (l *loader) table(name string, rows int) table {
	t := table{width: l.spec.Hidden}
	switch l.spec.Quantisation {
	case "f32":
		t.floats = l.floats(name, rows*t.width)
		return t
	case "bf16":
		t.halves = l.halves(name, rows*t.width)
		return t
	}
	t.bytes, t.scale = l.bytes(name, rows*t.width), l.floats(name+".scale", rows)
	return t
}

func (l *loader) linear(name string, rows, cols int) linear {
	n, k := roundUp(rows, align), roundUp(cols, align)
	switch l.spec.Quantisation {
	case "f32":
		return linear{f32: l.exact(name, rows, cols)}
	case "bf16":
		return linear{bf16: &kernel.BF16{K: k, N: n, Panels: l.halves(name, n*k), Bias: l.floats(name+".bias", n)}}
	}
	sums, err := l.f.ints(name+".sum", n)
	return linear{i8: &kernel.I8{
		K: k, N: n, Panels: l.bytes(name, n*k), ColSum: check(l, sums, err), Scale: l.floats(name+".scale", n),
		Bias: l.floats(name+".bias", n),
	}}
}

func (l *loader) exact(name string, rows, cols int) *kernel.F32 {
	n, k := roundUp(rows, align), roundUp(cols, align)
	return &kernel.F32{K: k, N: n, Panels: l.floats(name, n*k), Bias: l.floats(name+".bias", n)}
}
