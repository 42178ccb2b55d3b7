package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// sentenceModule is one line of modules.json, of the sentence-transformers
// layout: what runs after another, and the folder of its files.
type sentenceModule struct {
	Path string `json:"path"`
	Type string `json:"type"`
}

func (m sentenceModule) kind() string { return m.Type[strings.LastIndex(m.Type, ".")+1:] }

// readSentenceFiles reads length limit, prompts, pooling and what follows it
// from the sentence-transformers layout, where present.
func readSentenceFiles(dir fs.FS, s *Spec) error {
	if err := errors.Join(readLimit(dir, s), readPrompts(dir, s)); err != nil {
		return err
	}
	var modules []sentenceModule
	if err := readJSON(dir, "modules.json", &modules, false); err != nil {
		return err
	}
	if len(modules) == 0 {
		return readPooling(dir, "1_Pooling", s)
	}
	for i, m := range modules {
		if err := readModule(dir, m, i == len(modules)-1, s); err != nil {
			return fmt.Errorf("read modules.json: %w", err)
		}
	}
	return nil
}

// readModule takes one module into s. Vectors have unit length whatever the
// modules say, so that Normalize changes nothing where it stands last.
func readModule(dir fs.FS, m sentenceModule, last bool, s *Spec) error {
	if m.Path != "" && !fs.ValidPath(m.Path) {
		return fmt.Errorf("module path %q does not lie in the model", m.Path)
	}
	switch kind := m.kind(); kind {
	case "Transformer":
		if m.Path != "" {
			return fmt.Errorf("the network is in the folder %q: only models with config.json at their root are supported", m.Path)
		}
		return nil
	case "Pooling":
		return readPooling(dir, m.Path, s)
	case "Dense":
		d, err := readDense(dir, m.Path, s.outputWidth())
		s.Dense = append(s.Dense, d)
		return err
	case "Normalize":
		if !last {
			return errors.New("the module Normalize before another one is not supported")
		}
		return nil
	case "Dropout": // nothing is dropped outside of training
		return nil
	default:
		return fmt.Errorf("module %s is not supported (Transformer, Pooling, Dense and Normalize are)", kind)
	}
}

func readLimit(dir fs.FS, s *Spec) error {
	var limit struct {
		MaxSeqLength int  `json:"max_seq_length"`
		Lower        bool `json:"do_lower_case"`
	}
	var tokens struct {
		Max json.Number `json:"model_max_length"` // huge floats mean no limit
	}
	err := errors.Join(readJSON(dir, "sentence_bert_config.json", &limit, false), readJSON(dir, "tokenizer_config.json", &tokens, false))
	if err != nil {
		return err
	}
	if limit.Lower {
		return errors.New("read sentence_bert_config.json: do_lower_case is not supported outside of the tokenizer")
	}
	if n, err := tokens.Max.Int64(); err == nil && n > 0 && limit.MaxSeqLength == 0 {
		s.MaxTokens = int(min(int64(s.MaxTokens), n))
	}
	if limit.MaxSeqLength > 0 {
		s.MaxTokens = min(s.MaxTokens, limit.MaxSeqLength)
	}
	return nil
}

func readPrompts(dir fs.FS, s *Spec) error {
	var c struct {
		Prompts map[string]string `json:"prompts"`
	}
	if err := readJSON(dir, "config_sentence_transformers.json", &c, false); err != nil {
		return err
	}
	s.QueryPrompt = c.Prompts["query"]
	for _, name := range []string{"document", "passage", "corpus"} {
		if p, ok := c.Prompts[name]; ok {
			s.PassagePrompt = p
			break
		}
	}
	return nil
}

// readPooling reads both spellings of a pooling's configuration: one name, or
// a switch for each.
func readPooling(dir fs.FS, folder string, s *Spec) error {
	name := path.Join(folder, "config.json")
	var c struct {
		Mode    json.RawMessage `json:"pooling_mode"`
		CLS     bool            `json:"pooling_mode_cls_token"`
		Mean    bool            `json:"pooling_mode_mean_tokens"`
		Max     bool            `json:"pooling_mode_max_tokens"`
		MeanLen bool            `json:"pooling_mode_mean_sqrt_len_tokens"`
		Last    bool            `json:"pooling_mode_lasttoken"`
		Weight  bool            `json:"pooling_mode_weightedmean_tokens"`
		Prompt  *bool           `json:"include_prompt"`
	}
	if err := readJSON(dir, name, &c, false); err != nil {
		return err
	}
	var modes []string
	for mode, on := range map[string]bool{"cls": c.CLS, "mean": c.Mean, "max": c.Max, "mean_sqrt_len_tokens": c.MeanLen, "lasttoken": c.Last, "weightedmean": c.Weight} {
		if on {
			modes = append(modes, mode)
		}
	}
	if len(c.Mode) > 0 {
		var one string
		if json.Unmarshal(c.Mode, &one) == nil {
			modes = []string{one}
		} else if err := json.Unmarshal(c.Mode, &modes); err != nil {
			return fmt.Errorf("read %s: pooling_mode: %w", name, err)
		}
	}
	slices.Sort(modes)
	switch {
	case c.Prompt != nil && !*c.Prompt && (s.QueryPrompt != "" || s.PassagePrompt != ""):
		return fmt.Errorf("read %s: pooling without the prompt (include_prompt false) is not supported", name)
	case len(modes) == 0: // mean
	case len(modes) > 1:
		return fmt.Errorf("read %s: several poolings at once (%s) are not supported", name, strings.Join(modes, ", "))
	case modes[0] == "lasttoken":
		s.Pooling = "last"
	case modes[0] == "mean" || modes[0] == "cls" || modes[0] == "max":
		s.Pooling = modes[0]
	default:
		return fmt.Errorf("read %s: pooling %s is not supported (mean, cls, max and lasttoken are)", name, modes[0])
	}
	return nil
}

// readDense reads the configuration of a layer after pooling.
func readDense(dir fs.FS, folder string, width int) (Dense, error) {
	name := path.Join(folder, "config.json")
	var c struct {
		In         int    `json:"in_features"`
		Out        int    `json:"out_features"`
		Bias       *bool  `json:"bias"`
		Activation string `json:"activation_function"`
		Input      string `json:"module_input_name"`
		Output     string `json:"module_output_name"`
		Residual   bool   `json:"use_residual"`
	}
	if err := readJSON(dir, name, &c, true); err != nil {
		return Dense{}, err
	}
	const vector = "sentence_embedding"
	switch {
	case c.Input != "" && c.Input != vector || c.Output != "" && c.Output != vector:
		return Dense{}, fmt.Errorf("read %s: a dense layer from %q to %q is not supported (%s is both)", name, c.Input, c.Output, vector)
	case c.Residual:
		return Dense{}, fmt.Errorf("read %s: use_residual is not supported", name)
	case c.In != width:
		return Dense{}, fmt.Errorf("read %s: in_features is %d, what comes before gives %d", name, c.In, width)
	}
	known := map[string]string{"": "tanh", "Tanh": "tanh", "Identity": "identity", "ReLU": "relu", "GELU": "gelu", "SiLU": "silu"}
	act, ok := known[c.Activation[strings.LastIndex(c.Activation, ".")+1:]]
	if !ok {
		return Dense{}, fmt.Errorf("read %s: activation_function %s is not supported (Tanh, Identity, ReLU, GELU and SiLU are)", name, c.Activation)
	}
	return Dense{Folder: folder, In: c.In, Out: c.Out, Bias: c.Bias == nil || *c.Bias, Activation: act}, nil
}
