package safetensors

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"sort"
)

const maxHeader = 100 << 20

// Tensor is where a tensor stands in its file.
type Tensor struct {
	Name   string
	DType  string // "F32", "F16", "BF16"; others are listed but cannot be read
	Shape  []int
	file   io.ReaderAt
	offset int64
	size   int64
}

// Set is the tensors of a model.
type Set struct {
	tensors map[string]Tensor
	files   []fs.File
}

// Open reads the headers of model.safetensors in dir, or of the shards that
// model.safetensors.index.json names.
func Open(dir fs.FS) (*Set, error) {
	s := &Set{tensors: map[string]Tensor{}}
	names, err := shards(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := s.add(dir, name); err != nil {
			return nil, errors.Join(fmt.Errorf("read %s: %w", name, err), s.Close())
		}
	}
	return s, nil
}

func shards(dir fs.FS) ([]string, error) {
	const index = "model.safetensors.index.json"
	raw, err := fs.ReadFile(dir, index)
	if errors.Is(err, fs.ErrNotExist) {
		return []string{"model.safetensors"}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", index, err)
	}
	var f struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, fmt.Errorf("read %s: %w", index, err)
	}
	seen := map[string]bool{}
	var names []string
	for _, name := range f.WeightMap {
		if name != path.Base(name) {
			return nil, fmt.Errorf("read %s: shard %q is not a file of this directory", index, name)
		}
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("read %s: no shards", index)
	}
	sort.Strings(names)
	return names, nil
}

func (s *Set) add(dir fs.FS, name string) error {
	f, err := dir.Open(name)
	if err != nil {
		return err
	}
	s.files = append(s.files, f)
	st, err := f.Stat()
	if err != nil {
		return err
	}
	r, ok := f.(io.ReaderAt)
	if !ok {
		return errors.New("the file cannot be read at an offset")
	}
	tensors, err := readHeader(r, st.Size())
	if err != nil {
		return err
	}
	for _, t := range tensors {
		if _, ok := s.tensors[t.Name]; ok {
			return fmt.Errorf("tensor %q is there twice", t.Name)
		}
		s.tensors[t.Name] = t
	}
	return nil
}

var dtypeBytes = map[string]int64{"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}

func readHeader(r io.ReaderAt, size int64) ([]Tensor, error) {
	var n [8]byte
	if _, err := r.ReadAt(n[:], 0); err != nil {
		return nil, fmt.Errorf("header length: %w", noEOF(err))
	}
	length := binary.LittleEndian.Uint64(n[:])
	if length > maxHeader || int64(length) > size-8 {
		return nil, fmt.Errorf("the header claims %d bytes, the file has %d", length, size)
	}
	raw := make([]byte, length)
	if _, err := r.ReadAt(raw, 8); err != nil {
		return nil, fmt.Errorf("header: %w", noEOF(err))
	}
	var entries map[string]json.RawMessage
	if err := json.Unmarshal(raw, &entries); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	var out []Tensor
	for name, entry := range entries {
		if name == "__metadata__" {
			continue
		}
		t, err := parseEntry(name, entry, size-8-int64(length))
		if err != nil {
			return nil, err
		}
		t.file = r
		t.offset += 8 + int64(length)
		out = append(out, t)
	}
	return out, nil
}

func parseEntry(name string, raw json.RawMessage, dataBytes int64) (Tensor, error) {
	var e struct {
		DType   string   `json:"dtype"`
		Shape   []int64  `json:"shape"`
		Offsets [2]int64 `json:"data_offsets"`
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return Tensor{}, fmt.Errorf("tensor %q: %w", name, err)
	}
	t := Tensor{Name: name, DType: e.DType, offset: e.Offsets[0], size: e.Offsets[1] - e.Offsets[0]}
	if e.Offsets[0] < 0 || t.size < 0 || e.Offsets[1] > dataBytes {
		return Tensor{}, fmt.Errorf("tensor %q: bytes %d to %d of %d", name, e.Offsets[0], e.Offsets[1], dataBytes)
	}
	count := int64(1)
	for _, d := range e.Shape {
		if d < 0 || d > dataBytes || d > 0 && count > dataBytes/d {
			return Tensor{}, fmt.Errorf("tensor %q: shape %v is larger than the file", name, e.Shape)
		}
		count *= d
		t.Shape = append(t.Shape, int(d))
	}
	width, ok := dtypeBytes[e.DType]
	if ok && count*width != t.size {
		return Tensor{}, fmt.Errorf("tensor %q: shape %v of %s needs %d bytes, it has %d", name, e.Shape, e.DType, count*width, t.size)
	}
	return t, nil
}

// Names lists the tensors in order.
func (s *Set) Names() []string {
	names := make([]string, 0, len(s.tensors))
	for n := range s.tensors {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// Has reports whether there is a tensor name.
func (s *Set) Has(name string) bool { _, ok := s.tensors[name]; return ok }

// Shape returns the shape of tensor name, nil if it is not there.
func (s *Set) Shape(name string) []int { return s.tensors[name].Shape }

// Float32 reads tensor name, which must have this shape and finite values.
func (s *Set) Float32(name string, shape ...int) ([]float32, error) {
	t, ok := s.tensors[name]
	if !ok {
		return nil, fmt.Errorf("tensor %q is missing", name)
	}
	if fmt.Sprint(t.Shape) != fmt.Sprint(shape) {
		return nil, fmt.Errorf("tensor %q: shape %v, the configuration wants %v", name, t.Shape, shape)
	}
	raw := make([]byte, t.size)
	if _, err := t.file.ReadAt(raw, t.offset); err != nil {
		return nil, fmt.Errorf("tensor %q: %w", name, noEOF(err))
	}
	var out []float32
	switch t.DType {
	case "F32":
		out = make([]float32, len(raw)/4)
		for i := range out {
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
	case "BF16":
		out = make([]float32, len(raw)/2)
		for i := range out {
			out[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(raw[2*i:])) << 16)
		}
	case "F16":
		out = make([]float32, len(raw)/2)
		for i := range out {
			out[i] = Half(binary.LittleEndian.Uint16(raw[2*i:]))
		}
	default:
		return nil, fmt.Errorf("tensor %q: type %s is not supported (F32, F16 and BF16 are)", name, t.DType)
	}
	for i, v := range out {
		if v-v != 0 {
			return nil, fmt.Errorf("tensor %q: element %d is %v", name, i, v)
		}
	}
	return out, nil
}

// Half widens a 16-bit float.
func Half(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exp, frac := uint32(h>>10)&31, uint32(h&0x3ff)
	switch {
	case exp == 31:
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	case exp != 0:
		return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
	}
	v := float32(frac) / (1 << 24)
	if sign != 0 {
		v = -v
	}
	return v
}

// Close closes the files.
func (s *Set) Close() error {
	var errs []error
	for _, f := range s.files {
		errs = append(errs, f.Close())
	}
	s.files = nil
	return errors.Join(errs...)
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
