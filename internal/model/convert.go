package model

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"github.com/quarry-search/quarry/internal/model/kernel"
	"github.com/quarry-search/quarry/internal/model/safetensors"
	"github.com/quarry-search/quarry/internal/model/tokenizer"
)

// Options of a conversion. The zero value takes everything from the directory.
type Options struct {
	Name         string // default: the model card's title, else the directory's name
	Origin       string // where the files are from, for people
	License      string // default: as the model card says
	Quantisation string // "int8" (default) or "f32"
	Dim          int    // Matryoshka cut; default: the full width
}

// Convert is ConvertWith the zero Options.
func Convert(dir string, w io.Writer) (Info, error) { return ConvertWith(dir, w, Options{}) }

// ConvertWith writes the model directory dir, as published on Hugging Face, as
// one file. Equal directories and options give equal bytes on every machine.
func ConvertWith(dir string, w io.Writer, o Options) (Info, error) {
	b, err := convert(dir, o)
	if err != nil {
		return Info{}, fmt.Errorf("convert %s: %w", dir, err)
	}
	data, err := b.bytes()
	if err != nil {
		return Info{}, fmt.Errorf("convert %s: %w", dir, err)
	}
	if _, err := w.Write(data); err != nil {
		return Info{}, fmt.Errorf("write model: %w", err)
	}
	m, err := load(data)
	if err != nil {
		return Info{}, fmt.Errorf("convert %s: %w", dir, err)
	}
	return m.Info(), nil
}

func convert(dir string, o Options) (*builder, error) {
	root := os.DirFS(dir)
	spec, err := readSpec(root)
	if err != nil {
		return nil, err
	}
	if err := o.apply(&spec, dir); err != nil {
		return nil, err
	}
	if spec.Source, err = hashWeights(root); err != nil {
		return nil, err
	}
	tok, err := tokenizer.Compile(root)
	if err != nil {
		return nil, err
	}
	src, err := safetensors.Open(root)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	b := &builder{spec: spec}
	b.add("tokenizer", tok)
	c := &conversion{src: src, b: b, spec: &b.spec}
	if err := c.network(); err != nil {
		return nil, err
	}
	return b, nil
}

func (o Options) apply(s *Spec, dir string) error {
	s.Origin = o.Origin
	if s.Name == "" {
		s.Name = filepath.Base(dir)
	}
	if o.Name != "" {
		s.Name = o.Name
	}
	if o.License != "" {
		s.License = o.License
	}
	if o.Quantisation != "" {
		s.Quantisation = o.Quantisation
	}
	if o.Dim != 0 {
		s.Dim = o.Dim
	}
	return s.validate()
}

// hashWeights returns the SHA-256 of the published weights, of all shards in
// order of their names.
func hashWeights(root fs.FS) (string, error) {
	names, err := fs.Glob(root, "*.safetensors")
	if err != nil {
		return "", fmt.Errorf("list weights: %w", err)
	}
	if len(names) == 0 {
		return "", errors.New("no .safetensors file (weights in other formats are not supported)")
	}
	sum := sha256.New()
	for _, name := range names {
		f, err := root.Open(name)
		if err != nil {
			return "", fmt.Errorf("read weights: %w", err)
		}
		_, err = io.Copy(sum, f)
		if err = errors.Join(err, f.Close()); err != nil {
			return "", fmt.Errorf("read %s: %w", name, err)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// conversion reads tensors of one architecture and writes the runtime's.
type conversion struct {
	src    *safetensors.Set
	b      *builder
	spec   *Spec
	prefix string
	err    error // the first; later steps do nothing
}

func (c *conversion) network() error {
	a, err := architectureOf(c.spec.Architecture)
	if err != nil {
		return err
	}
	for _, p := range a.prefixes {
		if c.src.Has(p + a.word + ".weight") {
			c.prefix = p
		}
	}
	s := c.spec
	c.table("embed.word", c.read(a.word+".weight", s.Vocabulary, s.Hidden), s.Vocabulary)
	c.b.addFloats("embed.position", c.read(a.position+".weight", s.Positions, s.Hidden))
	if s.Types > 0 {
		c.b.addFloats("embed.type", c.read(a.types+".weight", s.Types, s.Hidden))
	}
	c.norm("embed.norm", a.norm)
	for i := range s.Layers {
		c.layer(i, a)
	}
	return c.err
}

func (c *conversion) layer(i int, a architecture) {
	s, from, to := c.spec, fmt.Sprintf(a.layer, i), fmt.Sprintf("layer.%d.", i)
	q, k, v := c.heads(from+a.query), c.heads(from+a.key), c.heads(from+a.value)
	// Scores come out of the product ready for softmax by powers of two.
	q.scale(float32(math.Log2E / math.Sqrt(float64(s.headDim()))))
	c.linear(to+"qkv", stack(s.attnPad(), q, k, v))
	c.linear(to+"attention", c.dense(from+a.attnOut, s.Hidden, s.Hidden).spread(s))
	c.norm(to+"attention.norm", from+a.attNorm)
	c.linear(to+"up", c.dense(from+a.up, s.Intermediate, s.Hidden))
	c.linear(to+"down", c.dense(from+a.down, s.Hidden, s.Intermediate))
	c.norm(to+"norm", from+a.outNorm)
}

// read returns a source tensor, or zeros after an error.
func (c *conversion) read(name string, shape ...int) []float32 {
	n := 1
	for _, d := range shape {
		n *= d
	}
	if c.err == nil {
		v, err := c.src.Float32(c.prefix+name, shape...)
		if err == nil {
			c.spec.Parameters += int64(len(v))
			return v
		}
		c.err = err
	}
	return make([]float32, n)
}

func (c *conversion) dense(name string, rows, cols int) dense {
	return dense{rows: rows, cols: cols, w: c.read(name+".weight", rows, cols), bias: c.read(name+".bias", rows)}
}

// heads reads a projection to heads and pads each head to its width in memory.
func (c *conversion) heads(name string) dense {
	s := c.spec
	d := c.dense(name, s.Hidden, s.Hidden)
	hd, hp := s.headDim(), s.headPad()
	out := newDense(s.Heads*hp, s.Hidden)
	for r := range s.Hidden {
		to := r/hd*hp + r%hd
		copy(out.w[to*s.Hidden:], d.w[r*s.Hidden:(r+1)*s.Hidden])
		out.bias[to] = d.bias[r]
	}
	return out
}

func (c *conversion) norm(to, from string) {
	c.b.addFloats(to+".gamma", c.read(from+".weight", c.spec.Hidden))
	c.b.addFloats(to+".beta", c.read(from+".bias", c.spec.Hidden))
}

// table writes an embedding table of rows rows.
func (c *conversion) table(to string, w []float32, rows int) {
	if c.spec.Quantisation == "f32" {
		c.b.addFloats(to, w)
		return
	}
	q, scale := quantise(w, rows)
	c.b.addBytes(to, q)
	c.b.addFloats(to+".scale", scale)
}

// linear writes a layer with both sides padded to align.
func (c *conversion) linear(to string, d dense) {
	p := d.padded()
	if c.spec.Quantisation == "f32" {
		c.b.addFloats(to, kernel.PackF32(p.w, p.rows, p.cols, p.cols))
	} else {
		q, scale := quantise(p.w, p.rows)
		panels := kernel.PackI8(q, p.rows, p.cols, p.cols)
		c.b.addBytes(to, panels)
		c.b.addFloats(to+".scale", scale)
		c.b.addInts(to+".sum", kernel.ColumnSums(panels, p.cols, p.rows))
	}
	c.b.addFloats(to+".bias", p.bias)
}

// quantise turns each row into bytes by its greatest magnitude.
func quantise(w []float32, rows int) ([]int8, []float32) {
	q, scale, k := make([]int8, len(w)), make([]float32, rows), len(w)/rows
	for r := range rows {
		row, top := w[r*k:(r+1)*k], float32(0)
		for _, v := range row {
			top = max(top, v, -v)
		}
		if top == 0 {
			continue
		}
		for i, v := range row {
			q[r*k+i] = int8(math.RoundToEven(float64(v) * 127 / float64(top)))
		}
		scale[r] = float32(float64(top) / 127)
	}
	return q, scale
}
