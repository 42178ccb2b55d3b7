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
	"path"
	"path/filepath"
	"strings"

	"github.com/quarry-search/quarry/internal/model/kernel"
	"github.com/quarry-search/quarry/internal/model/safetensors"
	"github.com/quarry-search/quarry/internal/model/tokenizer"
)

// Options of a conversion. The zero value takes everything from the directory.
type Options struct {
	Name         string // default: the model card's title, else the directory's name
	Origin       string // where the files are from, for people
	License      string // default: as the model card says
	Quantisation string // "int8" (default), "bf16" or "f32"
	Dim          int    // Matryoshka cut; default: the full width
	Matryoshka   bool   // vectors may be cut, though the files do not say so
	// Prompts put before texts; default: as the model's own files say.
	QueryPrompt, PassagePrompt *string
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
	if spec.Source, err = hashWeights(root, spec.Dense); err != nil {
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
	a, err := architectureOf(spec.Architecture)
	if err != nil {
		return nil, err
	}
	b := &builder{spec: spec}
	b.add("tokenizer", tok)
	c := &conversion{src: src, b: b, spec: &b.spec, arch: a, used: map[string]bool{}}
	if err := c.network(); err != nil {
		return nil, err
	}
	for i, d := range b.spec.Dense {
		if err := c.after(root, i, d); err != nil {
			return nil, err
		}
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
	if o.Matryoshka {
		s.Matryoshka = &Matryoshka{Centre: architectures[s.Architecture].centred}
	}
	if o.Dim != 0 {
		if err := s.Matryoshka.check(s.Name, o.Dim, s.outputWidth()); err != nil {
			return err
		}
		s.Dim = o.Dim
	}
	if o.QueryPrompt != nil {
		s.QueryPrompt = *o.QueryPrompt
	}
	if o.PassagePrompt != nil {
		s.PassagePrompt = *o.PassagePrompt
	}
	return s.validate()
}

// hashWeights returns the SHA-256 of the published weights, of all shards in
// order of their names, and then of the layers after pooling.
func hashWeights(root fs.FS, more []Dense) (string, error) {
	names, err := fs.Glob(root, "*.safetensors")
	if err != nil {
		return "", fmt.Errorf("list weights: %w", err)
	}
	if len(names) == 0 {
		return "", errors.New("no .safetensors file (weights in other formats are not supported)")
	}
	for _, d := range more {
		names = append(names, path.Join(d.Folder, "model.safetensors"))
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
	arch   architecture
	prefix string
	used   map[string]bool
	err    error // the first; later steps do nothing
}

func (c *conversion) network() error {
	a, s := c.arch, c.spec
	for _, p := range a.prefixes {
		if c.src.Has(p + a.word + ".weight") {
			c.prefix = p
		}
	}
	c.table("embed.word", c.read(a.word+".weight", s.Vocabulary, s.Hidden), s.Vocabulary)
	if a.position != "" {
		c.b.addFloats("embed.position", c.read(a.position+".weight", s.Positions, s.Hidden))
	}
	if s.Types > 0 {
		c.b.addFloats("embed.type", c.read(a.types+".weight", s.Types, s.Hidden))
	}
	if s.Buckets > 0 {
		c.b.addFloats("embed.relative", c.read(a.relative+".weight", s.Buckets, s.Heads))
	}
	c.norm("embed.norm", a.norm)
	for i := range s.Layers {
		c.layer(i)
	}
	if s.PreNorm {
		c.norm("norm", a.finalNorm)
	}
	c.head()
	if c.err != nil {
		return c.err
	}
	return c.leftovers()
}

// leftovers refuses tensors of the network that nothing read: the runtime
// would compute something else than was trained.
func (c *conversion) leftovers() error {
	layers, _, _ := strings.Cut(c.arch.layer.prefix, "%d")
	for _, name := range c.src.Names() {
		part, ok := strings.CutPrefix(name, c.prefix)
		if !ok || c.used[name] || strings.Contains(part, "position_ids") || strings.Contains(part, "inv_freq") {
			continue
		}
		if strings.HasPrefix(part, layers) || strings.HasPrefix(part, "embeddings.") {
			return fmt.Errorf("tensor %q is not part of %s as the configuration describes it", name, c.spec.Architecture)
		}
	}
	return nil
}

func (c *conversion) layer(i int) {
	s, l := c.spec, c.arch.layer
	from, to := fmt.Sprintf(l.prefix, i), fmt.Sprintf("layer.%d.", i)
	q, k, v := c.attentionIn(from)
	out, up, down := c.dense(from+l.attnOut, s.Hidden, s.Hidden), c.up(from), c.dense(from+l.down, s.Hidden, s.Intermediate)
	if c.err != nil {
		return
	}
	// Scores come out of the product ready for softmax by powers of two.
	q.scale(float32(math.Log2E / math.Sqrt(float64(s.headDim()))))
	c.linear(to+"qkv", stack(s.attnPad(), q, k, v))
	c.linear(to+"attention", out.spread(s))
	if i > 0 || !l.firstNormMissing {
		c.norm(to+"attention.norm", from+l.attnNorm)
	}
	c.linear(to+"up", up)
	c.linear(to+"down", down)
	c.norm(to+"norm", from+l.norm)
}

// attentionIn reads query, key and value, apart or in one tensor.
func (c *conversion) attentionIn(from string) (q, k, v dense) {
	s, l := c.spec, c.arch.layer
	if l.qkv == "" {
		q, k, v = c.dense(from+l.query, s.Hidden, s.Hidden), c.dense(from+l.key, s.Hidden, s.Hidden), c.dense(from+l.value, s.Hidden, s.Hidden)
	} else {
		all := c.dense(from+l.qkv, 3*s.Hidden, s.Hidden)
		if c.err != nil {
			return
		}
		q, k, v = all.slice(0, s.Hidden), all.slice(s.Hidden, 2*s.Hidden), all.slice(2*s.Hidden, 3*s.Hidden)
	}
	if c.err != nil {
		return
	}
	return c.heads(q), c.heads(k), c.heads(v)
}

// up reads the product before the activation; with a gate, what goes through
// the activation stands above what it multiplies.
func (c *conversion) up(from string) dense {
	s, l := c.spec, c.arch.layer
	switch {
	case !s.Gated:
		return c.dense(from+l.up, s.Intermediate, s.Hidden)
	case l.gate == "=":
		both := c.dense(from+l.up, 2*s.Intermediate, s.Hidden)
		if c.err != nil {
			return both
		}
		return stack(s.upPad()/2, both.slice(0, s.Intermediate), both.slice(s.Intermediate, 2*s.Intermediate))
	}
	first, second := c.dense(from+l.up, s.Intermediate, s.Hidden), c.dense(from+l.gate, s.Intermediate, s.Hidden)
	if c.err != nil {
		return first
	}
	return stack(s.upPad()/2, first, second)
}

// head reads what a cross-encoder has on top; it stays in 32-bit floats.
func (c *conversion) head() {
	h, s, a := c.spec.Head, c.spec, c.arch
	if h == nil {
		return
	}
	prefix := c.prefix
	name, inside := strings.CutPrefix(a.headDense, "*")
	if !inside {
		c.prefix = ""
	}
	c.exact("head.dense", c.optionalBias(name, s.Hidden, s.Hidden))
	c.prefix = ""
	if h.Norm {
		c.norm("head.norm", a.headNorm)
	}
	c.exact("head.out", c.optionalBias(a.headOut, h.Labels, s.Hidden))
	c.prefix = prefix
}

// after reads a layer after pooling, from its own folder.
func (c *conversion) after(root fs.FS, i int, d Dense) error {
	dir, err := fs.Sub(root, d.Folder)
	if err != nil {
		return fmt.Errorf("read %s: %w", d.Folder, err)
	}
	src, err := safetensors.Open(dir)
	if err != nil {
		return fmt.Errorf("read %s: %w (weights in other formats are not supported)", d.Folder, err)
	}
	own := &conversion{src: src, b: c.b, spec: c.spec, arch: c.arch, used: map[string]bool{}}
	own.exact(fmt.Sprintf("dense.%d", i), own.product("linear", d.Out, d.In, d.Bias))
	if err := errors.Join(own.err, src.Close()); err != nil {
		return fmt.Errorf("read %s: %w", d.Folder, err)
	}
	return nil
}

// read returns a source tensor, or nothing after an error.
//
// Invariant: no memory is taken by what the configuration claims before a
// tensor of that shape was found in the file.
func (c *conversion) read(name string, shape ...int) []float32 {
	if c.err != nil {
		return nil
	}
	v, err := c.src.Float32(c.prefix+name, shape...)
	if err != nil {
		c.err = err
		return nil
	}
	c.spec.Parameters += int64(len(v))
	c.used[c.prefix+name] = true
	return v
}

// dense reads a product of a layer; it is empty after an error.
func (c *conversion) dense(name string, rows, cols int) dense {
	return c.product(name, rows, cols, !c.arch.layer.noBias)
}

func (c *conversion) optionalBias(name string, rows, cols int) dense {
	return c.product(name, rows, cols, c.src.Has(c.prefix+name+".bias"))
}

func (c *conversion) product(name string, rows, cols int, bias bool) dense {
	d := dense{rows: rows, cols: cols, w: c.read(name+".weight", rows, cols)}
	if bias {
		d.bias = c.read(name+".bias", rows)
	} else if c.err == nil {
		d.bias = make([]float32, rows)
	}
	return d
}

// heads pads each head of a projection to its width in memory.
func (c *conversion) heads(d dense) dense {
	s := c.spec
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
	if c.arch.layer.noNormBias && c.err == nil {
		c.b.addFloats(to+".beta", make([]float32, c.spec.Hidden))
		return
	}
	c.b.addFloats(to+".beta", c.read(from+".bias", c.spec.Hidden))
}

// table writes an embedding table of rows rows.
func (c *conversion) table(to string, w []float32, rows int) {
	if c.err != nil {
		return
	}
	switch c.spec.Quantisation {
	case "f32":
		c.b.addFloats(to, w)
		return
	case "bf16":
		halves := make([]uint16, len(w))
		for i, v := range w {
			halves[i] = kernel.ToBF16(v)
		}
		c.b.addHalves(to, halves)
		return
	}
	q, scale := quantise(w, rows)
	c.b.addBytes(to, q)
	c.b.addFloats(to+".scale", scale)
}

// linear writes a layer with both sides padded to align.
func (c *conversion) linear(to string, d dense) {
	if c.err != nil {
		return
	}
	p := d.padded()
	switch c.spec.Quantisation {
	case "f32":
		c.exact(to, d)
		return
	case "bf16":
		c.b.addHalves(to, kernel.PackBF16(p.w, p.rows, p.cols, p.cols))
		c.b.addFloats(to+".bias", p.bias)
		return
	}
	q, scale := quantise(p.w, p.rows)
	panels := kernel.PackI8(q, p.rows, p.cols, p.cols)
	c.b.addBytes(to, panels)
	c.b.addFloats(to+".scale", scale)
	c.b.addInts(to+".sum", kernel.ColumnSums(panels, p.cols, p.rows))
	c.b.addFloats(to+".bias", p.bias)
}

// exact writes a layer in 32-bit floats whatever the quantisation.
func (c *conversion) exact(to string, d dense) {
	if c.err != nil {
		return
	}
	p := d.padded()
	c.b.addFloats(to, kernel.PackF32(p.w, p.rows, p.cols, p.cols))
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
