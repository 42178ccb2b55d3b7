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
	s.Dim, s.MaxTokens = s.Hidden, s.Positions-s.FirstPos
	if err := readHead(&c, a, &s); err != nil {
		return Spec{}, err
	}
	if err := errors.Join(checkModules(dir), readSentenceFiles(dir, &s), readCard(dir, &s)); err != nil {
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
		s.Head = &h
	}
	return nil
}

// checkModules refuses what sentence-transformers would run after pooling and
// the runtime does not.
func checkModules(dir fs.FS) error {
	var modules []struct {
		Type string `json:"type"`
	}
	if err := readJSON(dir, "modules.json", &modules, false); err != nil {
		return err
	}
	for _, m := range modules {
		switch kind := m.Type[strings.LastIndex(m.Type, ".")+1:]; kind {
		case "Transformer", "Pooling", "Normalize":
		default:
			return fmt.Errorf("read modules.json: module %s is not supported (Transformer, Pooling and Normalize are)", kind)
		}
	}
	return nil
}

// readSentenceFiles reads pooling, length limit and prompts of the
// sentence-transformers layout, where present.
func readSentenceFiles(dir fs.FS, s *Spec) error {
	var limit struct {
		MaxSeqLength int `json:"max_seq_length"`
	}
	var pooling struct {
		CLS     bool `json:"pooling_mode_cls_token"`
		Mean    bool `json:"pooling_mode_mean_tokens"`
		Max     bool `json:"pooling_mode_max_tokens"`
		MeanLen bool `json:"pooling_mode_mean_sqrt_len_tokens"`
		Last    bool `json:"pooling_mode_lasttoken"`
		Weight  bool `json:"pooling_mode_weightedmean_tokens"`
	}
	var prompts struct {
		Prompts map[string]string `json:"prompts"`
	}
	err := errors.Join(
		readJSON(dir, "sentence_bert_config.json", &limit, false),
		readJSON(dir, "1_Pooling/config.json", &pooling, false),
		readJSON(dir, "config_sentence_transformers.json", &prompts, false),
	)
	if err != nil {
		return err
	}
	if limit.MaxSeqLength > 0 {
		s.MaxTokens = min(s.MaxTokens, limit.MaxSeqLength)
	}
	switch {
	case pooling.Max || pooling.MeanLen || pooling.Weight:
		return errors.New("read 1_Pooling/config.json: only mean, cls and last-token pooling are supported")
	case pooling.CLS && !pooling.Mean && !pooling.Last:
		s.Pooling = "cls"
	case pooling.Last && !pooling.Mean && !pooling.CLS:
		s.Pooling = "last"
	case pooling.CLS || pooling.Last:
		return errors.New("read 1_Pooling/config.json: several poolings at once are not supported")
	}
	s.QueryPrompt = prompts.Prompts["query"]
	for _, name := range []string{"passage", "document", "corpus"} {
		if p, ok := prompts.Prompts[name]; ok {
			s.PassagePrompt = p
			break
		}
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
