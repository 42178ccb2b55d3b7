package model

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"unsafe"

	"github.com/quarry-search/quarry/internal/model/kernel"
)

// The file, described in docs/formats/model.md: magic with the version, the
// length of the header, the header as JSON, tensors each at a multiple of 64,
// and the SHA-256 of all that.
const (
	magic      = "QMODEL\x00\x01"
	sectionPad = 64
)

// fileHeader is the JSON at the start of a file.
type fileHeader struct {
	Spec        Spec      `json:"spec"`
	Fingerprint string    `json:"fingerprint"`
	Sections    []section `json:"sections"`
}

// section is a run of bytes, counted from the first one.
type section struct {
	Name   string `json:"name"`
	Offset int64  `json:"offset"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// builder collects sections.
type builder struct {
	spec     Spec
	sections []section
	body     bytes.Buffer
}

func (b *builder) add(name string, data []byte) {
	b.body.Write(make([]byte, roundUp(b.body.Len(), sectionPad)-b.body.Len()))
	sum := sha256.Sum256(data)
	b.sections = append(b.sections, section{Name: name, Offset: int64(b.body.Len()), Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:])})
	b.body.Write(data)
}

func (b *builder) addBytes(name string, v []int8) {
	b.add(name, unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)))
}

func (b *builder) addFloats(name string, v []float32) {
	out := make([]byte, 0, 4*len(v))
	for _, f := range v {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(f))
	}
	b.add(name, out)
}

func (b *builder) addHalves(name string, v []uint16) {
	out := make([]byte, 0, 2*len(v))
	for _, h := range v {
		out = binary.LittleEndian.AppendUint16(out, h)
	}
	b.add(name, out)
}

func (b *builder) addInts(name string, v []int32) {
	out := make([]byte, 0, 4*len(v))
	for _, n := range v {
		out = binary.LittleEndian.AppendUint32(out, uint32(n))
	}
	b.add(name, out)
}

// bytes lays out the file.
func (b *builder) bytes() ([]byte, error) {
	h := fileHeader{Spec: b.spec, Fingerprint: fingerprint(b.spec, b.sections), Sections: b.sections}
	head, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("write header: %w", err)
	}
	start := roundUp(len(magic)+8+len(head), sectionPad)
	out := make([]byte, 0, start+b.body.Len()+sha256.Size)
	out = append(out, magic...)
	out = binary.LittleEndian.AppendUint64(out, uint64(len(head)))
	out = append(out, head...)
	out = append(out, make([]byte, start-len(out))...)
	out = append(out, b.body.Bytes()...)
	sum := sha256.Sum256(out)
	return append(out, sum[:]...), nil
}

// fingerprint names everything that a vector depends on, and nothing else:
// neither the model's name nor the CPU. It is stable from run to run.
func fingerprint(s Spec, sections []section) string {
	s.Name, s.License, s.Origin, s.Source, s.Parameters = "", "", "", "", 0
	if s.Dim == s.outputWidth() {
		s.Matryoshka = nil // what could be cut is not
	} else if s.Matryoshka != nil {
		s.Matryoshka = &Matryoshka{Centre: s.Matryoshka.Centre}
	}
	sum := sha256.New()
	enc := json.NewEncoder(sum)
	// Encoding plain structs to a hash cannot fail.
	_ = enc.Encode(arithmeticVersion)
	_ = enc.Encode(s)
	_ = enc.Encode(sections)
	return "q" + hex.EncodeToString(sum.Sum(nil))[:24]
}

// file is a parsed model file; sections point into its bytes.
type file struct {
	header   fileHeader
	sections map[string][]byte
}

var errDamaged = errors.New("the file is damaged: its checksum does not match")

// verify checks a file's checksum.
func verify(data []byte) error {
	if len(data) < len(magic)+8+sha256.Size {
		return errors.New("not a model file: too short")
	}
	body := data[:len(data)-sha256.Size]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], data[len(body):]) {
		return errDamaged
	}
	return nil
}

// parse reads a file's header. It does not check the checksum.
func parse(data []byte) (*file, error) {
	if len(data) < len(magic)+8+sha256.Size || string(data[:len(magic)-1]) != magic[:len(magic)-1] {
		return nil, errors.New("not a model file")
	}
	if v := data[len(magic)-1]; v != magic[len(magic)-1] {
		return nil, fmt.Errorf("version %d of the model format is not supported", v)
	}
	rest := data[len(magic)+8 : len(data)-sha256.Size]
	n := binary.LittleEndian.Uint64(data[len(magic):])
	if n > uint64(len(rest)) {
		return nil, errors.New("the file is cut off in its header")
	}
	f := &file{sections: map[string][]byte{}}
	if err := json.Unmarshal(rest[:n], &f.header); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if err := f.header.Spec.validate(); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	start := roundUp(len(magic)+8+int(n), sectionPad)
	if start > len(data)-sha256.Size {
		return nil, errors.New("the file is cut off after its header")
	}
	body := data[start : len(data)-sha256.Size]
	for _, s := range f.header.Sections {
		if s.Offset < 0 || s.Size < 0 || s.Offset > int64(len(body)) || s.Size > int64(len(body))-s.Offset {
			return nil, fmt.Errorf("section %q lies outside the file", s.Name)
		}
		f.sections[s.Name] = body[s.Offset : s.Offset+s.Size : s.Offset+s.Size]
	}
	return f, nil
}

// section returns a section of exactly size bytes.
func (f *file) section(name string, size int) ([]byte, error) {
	b, ok := f.sections[name]
	if !ok {
		return nil, fmt.Errorf("section %q is missing", name)
	}
	if size >= 0 && len(b) != size {
		return nil, fmt.Errorf("section %q has %d bytes, the header wants %d", name, len(b), size)
	}
	return b, nil
}

// int8s returns a section without copying it.
func (f *file) int8s(name string, n int) ([]int8, error) {
	b, err := f.section(name, n)
	if err != nil {
		return nil, err
	}
	return unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(b))), n), nil
}

// floats returns a section of finite numbers.
func (f *file) floats(name string, n int) ([]float32, error) {
	b, err := f.section(name, 4*n)
	if err != nil {
		return nil, err
	}
	v := view(b, n, func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) })
	for i, x := range v {
		if x-x != 0 {
			return nil, fmt.Errorf("section %q: element %d is %v", name, i, x)
		}
	}
	return v, nil
}

// halves returns a section of finite 16-bit floats.
func (f *file) halves(name string, n int) ([]uint16, error) {
	b, err := f.section(name, 2*n)
	if err != nil {
		return nil, err
	}
	v := view(b, n, binary.LittleEndian.Uint16)
	for i, h := range v {
		if h&0x7f80 == 0x7f80 {
			return nil, fmt.Errorf("section %q: element %d is %v", name, i, kernel.FromBF16(h))
		}
	}
	return v, nil
}

func (f *file) ints(name string, n int) ([]int32, error) {
	b, err := f.section(name, 4*n)
	if err != nil {
		return nil, err
	}
	return view(b, n, func(b []byte) int32 { return int32(binary.LittleEndian.Uint32(b)) }), nil
}

// view returns the n elements of b. Where they are aligned and the CPU reads
// them in the file's order, they are those of the file itself, so that mapped
// weights are in memory once and shared; elsewhere they are copied.
func view[T float32 | int32 | uint16](b []byte, n int, read func([]byte) T) []T {
	var zero T
	size := int(unsafe.Sizeof(zero))
	native := binary.NativeEndian.Uint16([]byte{1, 0}) == 1
	if n > 0 && native && uintptr(unsafe.Pointer(unsafe.SliceData(b)))%unsafe.Alignof(zero) == 0 {
		return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
	}
	v := make([]T, n)
	for i := range v {
		v[i] = read(b[size*i:])
	}
	return v
}
