package model

import (
	"errors"
	"fmt"
	"slices"
	"strings"
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
	Quantisation string  `json:"quantisation"`  // "int8", "bf16" or "f32"
	Layers       int     `json:"layers"`
	Hidden       int     `json:"hidden"`
	Heads        int     `json:"heads"`
	Intermediate int     `json:"intermediate"`
	Vocabulary   int     `json:"vocabulary"`
	Positions    int     `json:"positions"`
	FirstPos     int     `json:"first_position"` // position of the first token
	Types        int     `json:"types"`          // segment types, 0 if there are none
	Epsilon      float64 `json:"epsilon"`
	Activation   string  `json:"activation"` // "gelu", "gelu_tanh", "relu", "silu"

	// What newer families add. The zero values are BERT's.
	PreNorm     bool    `json:"pre_norm,omitempty"`     // normalise before each half, and once at the end
	Gated       bool    `json:"gated,omitempty"`        // the activation multiplies a second product
	Rotary      float64 `json:"rotary,omitempty"`       // base of rotary positions, in place of a table
	RotaryLocal float64 `json:"rotary_local,omitempty"` // the same in layers with a window
	Window      int     `json:"window,omitempty"`       // tokens to each side that such layers see
	GlobalEvery int     `json:"global_every,omitempty"` // every so many layers, from the first, see all
	Buckets     int     `json:"buckets,omitempty"`      // of relative positions; 0 for none
	Head        *Head   `json:"head,omitempty"`         // a cross-encoder's; nil for an encoder

	Dense      []Dense     `json:"dense,omitempty"`      // layers after pooling
	Matryoshka *Matryoshka `json:"matryoshka,omitempty"` // vectors may be cut

	Pooling       string `json:"pooling"` // "mean", "cls", "max", "last"
	Dim           int    `json:"dim"`     // of a vector; under the output's width for a Matryoshka cut
	MaxTokens     int    `json:"max_tokens"`
	QueryPrompt   string `json:"query_prompt,omitempty"`
	PassagePrompt string `json:"passage_prompt,omitempty"`
	Parameters    int64  `json:"parameters"`
}

// Head scores a pair of texts: pool, dense layer, activation, perhaps a norm,
// and one output per label.
type Head struct {
	Labels     int    `json:"labels"`
	Pooling    string `json:"pooling"`    // "cls" or "mean"
	Activation string `json:"activation"` // "tanh", "relu", "gelu", "gelu_tanh", "silu"
	Norm       bool   `json:"norm,omitempty"`
}

// limits keep a lying header from asking for the whole memory.
const (
	maxHidden = 1 << 14
	maxLayers = 256
	maxVocab  = 1 << 21
	maxTokens = 1 << 15
)

func (s *Spec) validate() error {
	if s.Heads < 1 {
		return fmt.Errorf("attention heads is %d, it must be positive", s.Heads)
	}
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	within := func(name string, v, lo, hi int) {
		if v < lo || v > hi {
			bad("%s is %d, it must be between %d and %d", name, v, lo, hi)
		}
	}
	within("layers", s.Layers, 1, maxLayers)
	within("hidden size", s.Hidden, 1, maxHidden)
	within("attention heads", s.Heads, 1, 256)
	within("head width", s.headDim(), 1, 1024)
	within("intermediate size", s.Intermediate, 1, 8*maxHidden)
	within("vocabulary", s.Vocabulary, 1, maxVocab)
	within("positions", s.Positions, 1, maxTokens+8)
	within("first position", s.FirstPos, 0, 8)
	within("segment types", s.Types, 0, 16)
	within("dimension", s.Dim, 1, max(1, s.outputWidth()))
	within("most tokens", s.MaxTokens, 3, max(3, s.Positions-s.FirstPos))
	if s.Hidden%s.Heads != 0 {
		bad("hidden size %d is not a multiple of %d heads", s.Hidden, s.Heads)
	}
	oneOf := func(name, v string, known ...string) {
		if !slices.Contains(known, v) {
			bad("%s %q is not supported (%s)", name, v, strings.Join(known, ", "))
		}
	}
	oneOf("activation", s.Activation, "gelu", "gelu_tanh", "relu", "silu")
	oneOf("quantisation", s.Quantisation, "int8", "bf16", "f32")
	oneOf("pooling", s.Pooling, "mean", "cls", "max", "last")
	within("dense layers", len(s.Dense), 0, 16)
	width := s.Hidden
	for i, d := range s.Dense {
		within("dense output", d.Out, 1, maxHidden)
		if d.In != width {
			bad("dense layer %d takes %d inputs, what comes before gives %d", i+1, d.In, width)
		}
		oneOf("dense activation", d.Activation, "tanh", "identity", "relu", "gelu", "silu")
		width = d.Out
	}
	within("window", s.Window, 0, maxTokens)
	within("distance of global layers", s.GlobalEvery, 0, maxLayers)
	within("buckets of relative positions", s.Buckets, 0, 1024)
	if s.Rotary < 0 || s.RotaryLocal < 0 || s.Rotary > 0 && s.headDim()%2 != 0 {
		bad("rotary positions need a positive base and an even head width")
	}
	if s.Window > 0 && (s.GlobalEvery == 0 || s.RotaryLocal == 0) {
		bad("a window needs the distance of global layers and its own rotary base")
	}
	if h := s.Head; h != nil {
		within("labels", h.Labels, 1, 1024)
		oneOf("head pooling", h.Pooling, "cls", "mean")
		oneOf("head activation", h.Activation, "tanh", "relu", "gelu", "gelu_tanh", "silu")
	}
	if s.Epsilon <= 0 || s.Epsilon > 1 {
		bad("layer norm epsilon is %g", s.Epsilon)
	}
	return errors.Join(errs...)
}

// outputWidth is the length of a vector that is not cut.
func (s *Spec) outputWidth() int {
	if n := len(s.Dense); n > 0 {
		return s.Dense[n-1].Out
	}
	return s.Hidden
}

// global reports whether layer i sees the whole text.
func (s *Spec) global(i int) bool { return s.Window == 0 || i%s.GlobalEvery == 0 }

// upPad is the width in memory of the product that goes into the activation:
// with a gate, that of both halves.
func (s *Spec) upPad() int {
	if s.Gated {
		return 2 * roundUp(s.Intermediate, align)
	}
	return roundUp(s.Intermediate, align)
}

// headDim is the width of one head, headPad its width in memory.
func (s *Spec) headDim() int { return s.Hidden / s.Heads }
func (s *Spec) headPad() int { return roundUp(s.headDim(), 32) }

// attnPad is the width of all heads side by side in memory.
func (s *Spec) attnPad() int { return roundUp(s.Heads*s.headPad(), align) }

// align is what widths of activations are rounded up to, with zeros.
const align = 64

func roundUp(n, step int) int { return (n + step - 1) / step * step }
