package safetensors

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"testing/fstest"
)

func file(header string, data ...byte) *fstest.MapFile {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return &fstest.MapFile{Data: append(append(b, header...), data...)}
}

func TestReadsEveryFloatType(t *testing.T) {
	f := file(`{"__metadata__":{"format":"pt"},
		"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},
		"b":{"dtype":"F16","shape":[4],"data_offsets":[8,16]},
		"c":{"dtype":"BF16","shape":[1],"data_offsets":[16,18]}}`,
		0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, // 1, -2
		0, 0x3c, 1, 0, 0xff, 0x7b, 0, 0x80, // 1, 2^-24, 65504, -0
		0x49, 0x40) // 3.140625
	s, err := Open(fstest.MapFS{"model.safetensors": f})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name, want := range map[string][]float32{"a": {1, -2}, "b": {1, 0x1p-24, 65504, 0}, "c": {3.140625}} {
		got, err := s.Float32(name, s.Shape(name)...)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s[%d] is %v, want %v", name, i, got[i], want[i])
			}
		}
	}
	if !math.Signbit(float64(Half(0x8000))) {
		t.Error("minus zero lost its sign")
	}
	if _, err := s.Float32("a", 2, 1); err == nil {
		t.Error("a wrong shape was accepted")
	}
}

func TestShards(t *testing.T) {
	one := file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 0, 0, 0x80, 0x3f)
	two := file(`{"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 0, 0, 0, 0x40)
	s, err := Open(fstest.MapFS{
		"model.safetensors.index.json": {Data: []byte(`{"weight_map":{"a":"1.safetensors","b":"2.safetensors"}}`)},
		"1.safetensors":                one, "2.safetensors": two,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := strings.Join(s.Names(), " "); got != "a b" {
		t.Errorf("tensors %s", got)
	}
	if v, err := s.Float32("b", 1); err != nil || v[0] != 2 {
		t.Errorf("got %v, %v", v, err)
	}
}

func TestLyingHeaders(t *testing.T) {
	for name, f := range map[string]*fstest.MapFile{
		"short":      {Data: []byte{1, 2}},
		"length":     {Data: []byte{255, 255, 255, 255, 0, 0, 0, 0, '{'}},
		"not json":   file(`{"a"`),
		"past end":   file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 1),
		"backwards":  file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}`, 1, 2, 3, 4),
		"size":       file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 1, 2, 3, 4),
		"overflow":   file(`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}`, 1, 2, 3, 4),
		"negative":   file(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, 1, 2, 3, 4),
		"not number": file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 0, 0, 0xc0, 0x7f),
		"type":       file(`{"a":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}`, 0, 0, 0, 0),
	} {
		s, err := Open(fstest.MapFS{"model.safetensors": f})
		if err == nil {
			_, err = s.Float32("a", 1)
			s.Close()
		}
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := Open(fstest.MapFS{"model.safetensors.index.json": {Data: []byte(`{"weight_map":{"a":"../x"}}`)}}); err == nil {
		t.Error("a shard outside the directory was accepted")
	}
}

func FuzzHeader(f *testing.F) {
	f.Add(file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 1, 2, 3, 4).Data)
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Open(fstest.MapFS{"model.safetensors": {Data: data}})
		if err != nil {
			return
		}
		for _, n := range s.Names() {
			_, _ = s.Float32(n, s.Shape(n)...)
		}
		s.Close()
	})
}
