package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// hubConfig is the part of a published config.json that the runtime reads,
// under the names of all families.
type hubConfig struct {
	ModelType     string            `json:"model_type"`
	Architectures []string          `json:"architectures"`
	Labels        map[string]string `json:"id2label"`
	PadToken      int               `json:"pad_token_id"`

	Hidden       int     `json:"hidden_size"`
	Layers       int     `json:"num_hidden_layers"`
	Heads        int     `json:"num_attention_heads"`
	Intermediate int     `json:"intermediate_size"`
	Vocabulary   int     `json:"vocab_size"`
	Positions    int     `json:"max_position_embeddings"`
	PositionType string  `json:"position_embedding_type"`
	Types        int     `json:"type_vocab_size"`
	Activation   string  `json:"hidden_act"`
	Epsilon      float64 `json:"layer_norm_eps"`

	// DistilBERT
	Dim         int    `json:"dim"`
	NLayers     int    `json:"n_layers"`
	NHeads      int    `json:"n_heads"`
	HiddenDim   int    `json:"hidden_dim"`
	DActivation string `json:"activation"`

	// MPNet
	Buckets int `json:"relative_attention_num_buckets"`

	// ModernBERT
	NormEpsilon    float64         `json:"norm_eps"`
	MActivation    string          `json:"hidden_activation"`
	Local          int             `json:"local_attention"`
	GlobalEvery    int             `json:"global_attn_every_n_layers"`
	GlobalBase     float64         `json:"global_rope_theta"`
	LocalBase      float64         `json:"local_rope_theta"`
	LayerTypes     []string        `json:"layer_types"`
	HeadPooling    string          `json:"classifier_pooling"`
	HeadActivation string          `json:"classifier_activation"`
	Rope           json.RawMessage `json:"rope_parameters"`

	// Matryoshka, as several publishers write it
	MatryoshkaDims []int `json:"matryoshka_dimensions"`
	IsMatryoshka   bool  `json:"is_matryoshka"`

	// nomic-bert, as first published
	NEmbd        int     `json:"n_embd"`
	NLayer       int     `json:"n_layer"`
	NHead        int     `json:"n_head"`
	NInner       int     `json:"n_inner"`
	NPositions   int     `json:"n_positions"`
	NActivation  string  `json:"activation_function"`
	NEpsilon     float64 `json:"layer_norm_epsilon"`
	RotaryBase   float64 `json:"rotary_emb_base"`
	RotaryPart   float64 `json:"rotary_emb_fraction"`
	RotaryMixed  bool    `json:"rotary_emb_interleaved"`
	RotaryScale  float64 `json:"rotary_emb_scale_base"`
	NPreNorm     bool    `json:"prenorm"`
	RotaryFactor float64 `json:"rotary_scaling_factor"`
	Trained      int     `json:"max_trained_positions"`
}

// readSpec reads config.json and the sentence-transformers files beside it.
func readSpec(dir fs.FS) (Spec, error) {
	var c hubConfig
	if err := readJSON(dir, "config.json", &c, true); err != nil {
		return Spec{}, err
	}
	a, err := architectureOf(c.ModelType)
	if err != nil {
		return Spec{}, err
	}
	if c.PositionType != "" && c.PositionType != "absolute" {
		return Spec{}, fmt.Errorf("read config.json: position_embedding_type %q is not supported (absolute is)", c.PositionType)
	}
	s := Spec{
		Architecture: c.ModelType, Hidden: c.Hidden, Layers: c.Layers, Heads: c.Heads, Intermediate: c.Intermediate,
		Vocabulary: c.Vocabulary, Positions: c.Positions, Types: c.Types, Activation: c.Activation, Epsilon: c.Epsilon,
		Quantisation: "int8", Pooling: "mean",
	}
	if err := a.configure(&c, &s); err != nil {
		return Spec{}, fmt.Errorf("read config.json: %w", err)
	}
	s.Activation = activationName(s.Activation)
	s.Dim, s.MaxTokens = s.Hidden, s.Positions-s.FirstPos
	if err := readHead(&c, a, &s); err != nil {
		return Spec{}, err
	}
	if err := readSentenceFiles(dir, &s); err != nil {
		return Spec{}, err
	}
	s.Dim = s.outputWidth()
	if err := readCard(dir, &s); err != nil {
		return Spec{}, err
	}
	if err := readMatryoshka(dir, &c, a, &s); err != nil {
		return Spec{}, err
	}
	if err := s.validate(); err != nil {
		return Spec{}, fmt.Errorf("read config.json: %w", err)
	}
	return s, nil
}

// readHead tells a cross-encoder from an encoder.
func readHead(c *hubConfig, a architecture, s *Spec) error {
	for _, name := range c.Architectures {
		if !strings.HasSuffix(name, "ForSequenceClassification") {
			continue
		}
		h := a.head
		if h.Activation == "" {
			return fmt.Errorf("read config.json: %s is not supported", name)
		}
		h.Labels = max(1, len(c.Labels))
		if len(c.Labels) == 0 {
			h.Labels = 2 // what transformers takes when the file is silent
		}
		if c.HeadPooling != "" {
			h.Pooling = c.HeadPooling
		}
		if c.HeadActivation != "" {
			h.Activation = activationName(c.HeadActivation)
		}
		s.Head = &h
	}
	return nil
}

// readCard takes the licence and the title from the model card.
func readCard(dir fs.FS, s *Spec) error {
	raw, err := fs.ReadFile(dir, "README.md")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read README.md: %w", err)
	}
	text, front := strings.ReplaceAll(string(raw), "\r\n", "\n"), false
	for i, line := range strings.Split(text, "\n") {
		if line == "---" {
			front = i == 0
			continue
		}
		if v, ok := strings.CutPrefix(line, "license:"); ok && front {
			s.License = licenceName(strings.Trim(strings.TrimSpace(v), `"'`))
		}
		if title, ok := strings.CutPrefix(line, "# "); ok && !front {
			if title = strings.TrimSpace(title); !strings.Contains(title, " ") {
				s.Name = title
			}
			return nil
		}
	}
	return nil
}

// licenceName is the SPDX name of a model card's licence.
func licenceName(id string) string {
	for _, name := range []string{"Apache-2.0", "MIT", "BSD-3-Clause", "CC-BY-4.0", "CC-BY-SA-4.0"} {
		if strings.EqualFold(id, name) {
			return name
		}
	}
	return id
}

func readJSON(dir fs.FS, name string, v any, required bool) error {
	raw, err := fs.ReadFile(dir, name)
	if errors.Is(err, fs.ErrNotExist) && !required {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}
