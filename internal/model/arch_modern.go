package model

import (
	"encoding/json"
	"errors"
	"fmt"
)

// The families with rotary positions and gated products.

// ModernBERT (arXiv:2412.13663): normalises before each half; two layers of
// three see only a window.
var modernbert = architecture{
	configure: func(c *hubConfig, s *Spec) error {
		s.Activation, s.Epsilon, s.Types = or(c.MActivation, "gelu"), or(c.NormEpsilon, 1e-5), 0
		s.PreNorm, s.Gated = true, true
		s.Window, s.GlobalEvery = or(c.Local, 128)/2, or(c.GlobalEvery, 3)
		s.Rotary, s.RotaryLocal = or(c.GlobalBase, 160000), or(c.LocalBase, 10000)
		for i, t := range c.LayerTypes {
			if i < s.Layers && (t == "full_attention") != s.global(i) {
				return fmt.Errorf("layer_types: %s at layer %d does not follow one global layer in every %d", t, i, s.GlobalEvery)
			}
		}
		rope := struct {
			Full    ropeParameters `json:"full_attention"`
			Sliding ropeParameters `json:"sliding_attention"`
		}{ropeParameters{Base: s.Rotary}, ropeParameters{Base: s.RotaryLocal}}
		if len(c.Rope) > 0 {
			if err := json.Unmarshal(c.Rope, &rope); err != nil {
				return fmt.Errorf("rope_parameters: %w", err)
			}
		}
		s.Rotary, s.RotaryLocal = rope.Full.Base, rope.Sliding.Base
		return errors.Join(rope.Full.check(), rope.Sliding.check())
	},
	head:     Head{Pooling: "cls", Activation: "gelu", Norm: true},
	prefixes: []string{"model.", ""},
	word:     "embeddings.tok_embeddings", norm: "embeddings.norm", finalNorm: "final_norm",
	layer: layerNames{
		prefix: "layers.%d.", qkv: "attn.Wqkv", attnOut: "attn.Wo", attnNorm: "attn_norm",
		up: "mlp.Wi", gate: "=", down: "mlp.Wo", norm: "mlp_norm",
		noBias: true, noNormBias: true, firstNormMissing: true,
	},
	headDense: "head.dense", headNorm: "head.norm", headOut: "classifier",
}

// nomic-bert (arXiv:2402.01613): BERT with rotary positions and SwiGLU.
var nomicBERT = architecture{
	configure: func(c *hubConfig, s *Spec) error {
		s.Hidden, s.Layers, s.Heads = or(s.Hidden, c.NEmbd), or(s.Layers, c.NLayer), or(s.Heads, c.NHead)
		s.Intermediate, s.Positions = or(s.Intermediate, c.NInner), or(s.Positions, c.NPositions)
		s.Epsilon, s.Types = or(s.Epsilon, or(c.NEpsilon, 1e-12)), or(s.Types, 2)
		s.Gated, s.Rotary = true, or(c.RotaryBase, 1000)
		act := or(s.Activation, c.NActivation)
		if act == "swiglu" {
			act = "silu"
		}
		s.Activation = act
		rope := ropeParameters{Base: s.Rotary}
		if len(c.Rope) > 0 {
			if err := json.Unmarshal(c.Rope, &rope); err != nil {
				return fmt.Errorf("rope_parameters: %w", err)
			}
		}
		s.Rotary = rope.Base
		if c.RotaryFactor != 0 { // beyond what it was trained for, positions would be scaled
			s.Positions = min(s.Positions, or(c.Trained, 2048))
		}
		if c.RotaryMixed || c.RotaryScale != 0 || c.NPreNorm || c.RotaryPart != 0 && c.RotaryPart != 1 {
			return errors.New("interleaved, scaled or partial rotary positions and normalising first are not supported in nomic_bert")
		}
		return rope.check()
	},
	head:     Head{Pooling: "cls", Activation: "tanh"},
	centred:  true,
	prefixes: []string{"nomic_bert.", ""},
	word:     "embeddings.word_embeddings", types: "embeddings.token_type_embeddings", norm: "emb_ln",
	layer: layerNames{
		prefix: "encoder.layers.%d.", qkv: "attn.Wqkv", attnOut: "attn.out_proj", attnNorm: "norm1",
		up: "mlp.fc12", gate: "mlp.fc11", down: "mlp.fc2", norm: "norm2", noBias: true,
	},
	headDense: "*pooler.dense", headOut: "classifier",
}

// ropeParameters are rotary positions as newer configurations write them.
type ropeParameters struct {
	Base float64 `json:"rope_theta"`
	Type string  `json:"rope_type"`
}

func (r ropeParameters) check() error {
	if r.Type != "" && r.Type != "default" {
		return fmt.Errorf("rope_type %q is not supported (default is)", r.Type)
	}
	return nil
}

// or returns v, or def if v is zero.
func or[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}
