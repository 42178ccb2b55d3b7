package model

import (
	"errors"
	"fmt"
)

// arithmeticVersion is part of every fingerprint: it grows when the numbers
// that a file leads to change, beyond rounding.
const arithmeticVersion = 1

// Spec says what a network looks like and how its output becomes a vector.
// It stands in the header of a converted file.
type Spec struct {
	Name         string  `json:"name"`
	License      string  `json:"license,omitempty"`
	Origin       string  `json:"origin,omitempty"`
	Source       string  `json:"source_sha256"` // of the published weights
	Architecture string  `json:"architecture"`  // "bert"
	Quantisation string  `json:"quantisation"`  // "int8" or "f32"
	Layers       int     `json:"layers"`
	Hidden       int     `json:"hidden"`
	Heads        int     `json:"heads"`
	Intermediate int     `json:"intermediate"`
	Vocabulary   int     `json:"vocabulary"`
	Positions    int     `json:"positions"`
	FirstPos     int     `json:"first_position"` // position of the first token
	Types        int     `json:"types"`          // segment types, 0 if there are none
	Epsilon      float64 `json:"epsilon"`
	Activation   string  `json:"activation"` // "gelu"

	Pooling       string `json:"pooling"` // "mean", "cls", "last"
	Dim           int    `json:"dim"`     // of a vector; under Hidden for a Matryoshka cut
	MaxTokens     int    `json:"max_tokens"`
	QueryPrompt   string `json:"query_prompt,omitempty"`
	PassagePrompt string `json:"passage_prompt,omitempty"`
	Parameters    int64  `json:"parameters"`
}

// limits keep a lying header from asking for the whole memory.
const (
	maxHidden = 1 << 14
	maxLayers = 256
	maxVocab  = 1 << 21
	maxTokens = 1 << 15
)

func (s *Spec) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	within := func(name string, v, lo, hi int) {
		if v < lo || v > hi {
			bad("%s is %d, it must be between %d and %d", name, v, lo, hi)
		}
	}
	within("layers", s.Layers, 1, maxLayers)
	within("hidden size", s.Hidden, 1, maxHidden)
	within("attention heads", s.Heads, 1, 1024)
	within("intermediate size", s.Intermediate, 1, 8*maxHidden)
	within("vocabulary", s.Vocabulary, 1, maxVocab)
	within("positions", s.Positions, 1, maxTokens+8)
	within("first position", s.FirstPos, 0, 8)
	within("segment types", s.Types, 0, 16)
	within("dimension", s.Dim, 1, max(1, s.Hidden))
	within("most tokens", s.MaxTokens, 3, max(3, s.Positions-s.FirstPos))
	if s.Heads > 0 && s.Hidden%s.Heads != 0 {
		bad("hidden size %d is not a multiple of %d heads", s.Hidden, s.Heads)
	}
	if s.Activation != "gelu" {
		bad("activation %q is not supported (gelu is)", s.Activation)
	}
	if s.Quantisation != "int8" && s.Quantisation != "f32" {
		bad("quantisation %q is not supported (int8 and f32 are)", s.Quantisation)
	}
	switch s.Pooling {
	case "mean", "cls", "last":
	default:
		bad("pooling %q is not supported (mean, cls and last are)", s.Pooling)
	}
	if s.Epsilon <= 0 || s.Epsilon > 1 {
		bad("layer norm epsilon is %g", s.Epsilon)
	}
	return errors.Join(errs...)
}

// headDim is the width of one head, headPad its width in memory.
func (s *Spec) headDim() int { return s.Hidden / s.Heads }
func (s *Spec) headPad() int { return roundUp(s.headDim(), 32) }

// attnPad is the width of all heads side by side in memory.
func (s *Spec) attnPad() int { return roundUp(s.Heads*s.headPad(), align) }

// align is what widths of activations are rounded up to, with zeros.
const align = 64

func roundUp(n, step int) int { return (n + step - 1) / step * step }
