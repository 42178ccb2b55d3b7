package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// hubConfig is the part of a published config.json that the runtime reads.
type hubConfig struct {
	ModelType     string   `json:"model_type"`
	Architectures []string `json:"architectures"`
	NamePath      string   `json:"_name_or_path"`
	Hidden        int      `json:"hidden_size"`
	Layers        int      `json:"num_hidden_layers"`
	Heads         int      `json:"num_attention_heads"`
	Intermediate  int      `json:"intermediate_size"`
	Vocabulary    int      `json:"vocab_size"`
	Positions     int      `json:"max_position_embeddings"`
	PositionType  string   `json:"position_embedding_type"`
	Types         int      `json:"type_vocab_size"`
	Activation    string   `json:"hidden_act"`
	Epsilon       float64  `json:"layer_norm_eps"`
}

// readSpec reads config.json and the sentence-transformers files beside it.
func readSpec(dir fs.FS) (Spec, error) {
	var c hubConfig
	if err := readJSON(dir, "config.json", &c, true); err != nil {
		return Spec{}, err
	}
	if c.PositionType != "" && c.PositionType != "absolute" {
		return Spec{}, fmt.Errorf("read config.json: position_embedding_type %q is not supported (absolute is)", c.PositionType)
	}
	s := Spec{
		Architecture: c.ModelType, Hidden: c.Hidden, Layers: c.Layers, Heads: c.Heads, Intermediate: c.Intermediate,
		Vocabulary: c.Vocabulary, Positions: c.Positions, Types: c.Types, Activation: c.Activation, Epsilon: c.Epsilon,
		Quantisation: "int8", Dim: c.Hidden, Pooling: "mean", MaxTokens: c.Positions,
	}
	if _, err := architectureOf(s.Architecture); err != nil {
		return Spec{}, err
	}
	if err := readSentenceFiles(dir, &s); err != nil {
		return Spec{}, err
	}
	if err := readCard(dir, &s); err != nil {
		return Spec{}, err
	}
	if err := s.validate(); err != nil {
		return Spec{}, fmt.Errorf("read config.json: %w", err)
	}
	return s, nil
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
