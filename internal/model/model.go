package model

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/quarry-search/quarry/internal/model/builtin"
)

// Info describes a model to people and to those who keep its vectors.
type Info struct {
	Name         string
	Fingerprint  string // of everything that a vector depends on, but the CPU
	Dim          int
	MaxTokens    int // of one text, special tokens included, prompts not
	Layers       int
	Labels       int         // of a cross-encoder; 0 for an encoder
	Matryoshka   *Matryoshka // nil: vectors cannot be cut
	Parameters   int64
	License      string
	Origin       string
	Source       string // SHA-256 of the published weights
	Quantisation string
	SizeBytes    int64
	Kernel       string // what runs it here: "avx512_vnni", "avx2", "scalar"
}

// Info describes the model.
func (m *Model) Info() Info {
	s := &m.spec
	labels := 0
	if s.Head != nil {
		labels = s.Head.Labels
	}
	return Info{
		Name: s.Name, Fingerprint: m.fingerprint, Dim: s.Dim, MaxTokens: m.maxTokens, Layers: s.Layers, Labels: labels,
		Matryoshka: s.Matryoshka, Parameters: s.Parameters, License: s.License, Origin: s.Origin, Source: s.Source,
		Quantisation: s.Quantisation, SizeBytes: m.sizeBytes, Kernel: m.kernels.Name(),
	}
}

// Open reads a converted file, or a published directory, which it converts in
// memory.
func Open(path string) (*Model, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open model: %w", err)
	}
	var data []byte
	if st.IsDir() {
		var out bytes.Buffer
		if _, err := Convert(path, &out); err != nil {
			return nil, fmt.Errorf("open model: %w", err)
		}
		data = out.Bytes()
	} else if data, err = readFile(path); err != nil {
		return nil, fmt.Errorf("open model: %w", err)
	}
	if err := verify(data); err != nil {
		return nil, fmt.Errorf("open model %s: %w", path, err)
	}
	m, err := load(data)
	if err != nil {
		return nil, fmt.Errorf("open model %s: %w", path, err)
	}
	return m, nil
}

// Builtin returns the model inside the program. It is loaded once; its bytes
// are read in place, and a test checks their checksum, not each start.
var Builtin = sync.OnceValues(func() (*Model, error) {
	data := builtin.Bytes()
	if len(data) == 0 {
		return nil, errors.New("this build has no built-in model")
	}
	m, err := load(data)
	if err != nil {
		return nil, fmt.Errorf("open built-in model: %w", err)
	}
	m.spec.Origin = builtin.Origin
	return m, nil
})
