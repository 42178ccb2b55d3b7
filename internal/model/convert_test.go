package model

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// copyModel copies a reference model and changes one file of it.
func copyModel(t *testing.T, name, file string, change func([]byte) []byte) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata/arch", name))); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, file)
	data, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	out := change(bytes.Clone(data))
	if bytes.Equal(out, data) {
		t.Fatalf("%s did not change", file)
	}
	if out == nil {
		err = os.Remove(path)
	} else {
		err = os.WriteFile(path, out, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func replace(old, with string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(with), 1) }
}

func TestConvertRefusesBadDirectories(t *testing.T) {
	write := func(s string) func([]byte) []byte { return func([]byte) []byte { return []byte(s) } }
	remove := func([]byte) []byte { return nil }
	for name, c := range map[string]struct {
		model, file string
		change      func([]byte) []byte
		says        string
	}{
		"no configuration":       {"bert", "config.json", remove, "config.json"},
		"not JSON":               {"bert", "config.json", write("{"), "config.json"},
		"unknown family":         {"bert", "config.json", replace(`"bert"`, `"llama"`), "llama"},
		"activation":             {"bert", "config.json", replace(`"gelu"`, `"mish"`), "mish"},
		"position type":          {"bert", "config.json", replace(`{`, `{"position_embedding_type":"relative_key",`), "relative_key"},
		"layers":                 {"bert", "config.json", replace(`"num_hidden_layers": 2`, `"num_hidden_layers": 3`), "encoder.layer.2"},
		"fewer layers":           {"bert", "config.json", replace(`"num_hidden_layers": 2`, `"num_hidden_layers": 1`), "encoder.layer.1"},
		"hidden":                 {"bert", "config.json", replace(`"hidden_size": 48`, `"hidden_size": 96`), "shape"},
		"heads":                  {"bert", "config.json", replace(`"num_attention_heads": 3`, `"num_attention_heads": 0`), "heads"},
		"heads do not fit":       {"bert", "config.json", replace(`"num_attention_heads": 3`, `"num_attention_heads": 5`), "heads"},
		"layer pattern":          {"modernbert", "config.json", replace(`"full_attention",`, `"sliding_attention",`), "layer_types"},
		"rotary kind":            {"nomic_bert", "config.json", replace(`"rope_type": "default"`, `"rope_type": "yarn"`), "yarn"},
		"unread tensor":          {"modernbert", "model.safetensors", replace(`layers.1.attn.Wo.weight`, `layers.1.attn.Wo.wEIGHT`), "Wo.w"},
		"no weights":             {"bert", "model.safetensors", remove, "safetensors"},
		"cut weights":            {"bert", "model.safetensors", func(b []byte) []byte { return b[:len(b)/2] }, "tensor"},
		"not a number":           {"bert-reranker", "model-00001-of-00004.safetensors", notANumber, "NaN"},
		"missing shard":          {"bert-reranker", "model-00002-of-00004.safetensors", remove, "model-00002"},
		"no tokenizer":           {"bert", "vocab.txt", remove, "vocab.txt"},
		"large tokenizer":        {"bert", "vocab.txt", func(b []byte) []byte { return append(b, strings.Repeat("x\n", 50)...) }, "tokens"},
		"odd pooling":            {"bert", "1_Pooling/config.json", nil, "mean_sqrt_len_tokens"},
		"two poolings":           {"sentence-max-two", "1_Pooling/config.json", replace(`"max"`, `["max","mean"]`), "several poolings"},
		"odd module":             {"bert", "modules.json", write(`[{"type":"sentence_transformers.models.CNN"}]`), "CNN"},
		"module outside":         {"bert", "modules.json", write(`[{"type":"m.Pooling","path":"../x"}]`), "../x"},
		"early normalise":        {"sentence-cls-tanh", "modules.json", replace(`sentence_transformers.models.Pooling`, `m.Normalize`), "Normalize before"},
		"dense width":            {"sentence-max-two", "3_Dense/config.json", replace(`"in_features": 40`, `"in_features": 41`), "3_Dense/config.json: in_features is 41"},
		"dense shape":            {"sentence-max-two", "2_Dense/config.json", replace(`"out_features": 40`, `"out_features": 44`), "in_features is 40, what comes before gives 44"},
		"dense activation":       {"sentence-max-two", "2_Dense/config.json", replace(`ReLU`, `Mish`), "Mish"},
		"dense weights":          {"sentence-max-two", "2_Dense/model.safetensors", remove, "2_Dense"},
		"dense is cut":           {"sentence-max-two", "2_Dense/model.safetensors", func(b []byte) []byte { return b[:len(b)-4] }, "2_Dense"},
		"lower case":             {"bert", "sentence_bert_config.json", write(`{"do_lower_case":true}`), "do_lower_case"},
		"unknown tokenizer":      {"bert", "tokenizer.json", write(`{"model":{"type":"Magic"}}`), "Magic"},
		"head that is not there": {"nomic_bert", "config.json", replace(`NomicBertModel`, `NomicBertForSequenceClassification`), "pooler"},
		"activation of a head":   {"modernbert-labels", "config.json", replace(`"classifier_activation": "silu"`, `"classifier_activation": "mish"`), "head activation"},
	} {
		t.Run(name, func(t *testing.T) {
			var dir string
			if c.change == nil {
				dir = copyModel(t, c.model, "x", write("x"))
				if err := os.Mkdir(filepath.Join(dir, "1_Pooling"), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, c.file), []byte(`{"pooling_mode_mean_sqrt_len_tokens":true}`), 0o600); err != nil {
					t.Fatal(err)
				}
			} else {
				dir = copyModel(t, c.model, c.file, c.change)
			}
			_, err := Convert(dir, io.Discard)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v does not name %q", err, c.says)
			}
		})
	}
}

// notANumber writes a NaN over the last weight of a file of 32-bit floats.
func notANumber(b []byte) []byte {
	binary.LittleEndian.PutUint32(b[len(b)-4:], 0x7fc00001)
	return b
}

func TestOptions(t *testing.T) {
	query, passage := "query: ", "passage: "
	var out bytes.Buffer
	info, err := ConvertWith("testdata/arch/bert", &out, Options{
		Name: "small", License: "MIT", Origin: "here", Dim: 16, Matryoshka: true, QueryPrompt: &query, PassagePrompt: &passage,
	})
	if err != nil {
		t.Fatal(err)
	}
	if info.Name != "small" || info.License != "MIT" || info.Origin != "here" || info.Dim != 16 || info.Layers != 2 {
		t.Errorf("info %+v", info)
	}
	path := filepath.Join(t.TempDir(), "small.qmodel")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := m.Info().MaxTokens, 80-m.CountTokens(passage); got != want {
		t.Errorf("%d tokens are left to a text, want %d", got, want)
	}
	v, err := m.Embed(t.Context(), Query, []string{"ab"})
	if err != nil {
		t.Fatal(err)
	}
	w, err := m.Embed(t.Context(), Passage, []string{"ab", "query: ab"})
	if err != nil {
		t.Fatal(err)
	}
	if len(v[0]) != 16 || cosine(v[0], w[0]) > 0.99999 {
		t.Errorf("%d dimensions; query and passage have cosine %g", len(v[0]), cosine(v[0], w[0]))
	}
	if ids := m.encode(Query, "ab"); len(ids) != len(m.encode(Passage, ""))-m.CountTokens(passage)+m.CountTokens("query: ab") {
		t.Errorf("ids %v do not hold the prompt", ids)
	}
	whole, err := Open("testdata/arch/bert")
	if err != nil {
		t.Fatal(err)
	}
	if whole.Info().Fingerprint == info.Fingerprint {
		t.Error("a cut and prompts do not change the fingerprint")
	}
}

// TestFingerprintNamesWhatMatters: not the name, but each weight.
func TestFingerprintNamesWhatMatters(t *testing.T) {
	finger := func(dir string, o Options) string {
		t.Helper()
		info, err := ConvertWith(dir, io.Discard, o)
		if err != nil {
			t.Fatal(err)
		}
		return info.Fingerprint
	}
	base := finger("testdata/arch/bert", Options{})
	if again := finger("testdata/arch/bert", Options{Name: "other", License: "none"}); again != base {
		t.Error("the name changes the fingerprint")
	}
	for name, other := range map[string]string{
		"quantisation": finger("testdata/arch/bert", Options{Quantisation: "f32"}),
		"weights": finger(copyModel(t, "bert", "model.safetensors", func(b []byte) []byte {
			b[8+binary.LittleEndian.Uint64(b)+1] ^= 0x80 // the sign of the first weight
			return b
		}), Options{}),
		"tokenizer": finger(copyModel(t, "bert", "vocab.txt", replace("##z\n", "zz\n")), Options{}),
	} {
		if other == base {
			t.Errorf("%s does not change the fingerprint", name)
		}
	}
}

func TestPoolings(t *testing.T) {
	m := mustBuiltin(t)
	m = m.withKernels(m.kernels)
	m.spec.Hidden, m.spec.Dim = 3, 2
	x := []float32{3, 4, 9, 0, 0, 9, -3, 4, 9} // three rows of three
	for pooling, want := range map[string][2]float32{"mean": {0, 1}, "cls": {0.6, 0.8}, "last": {-0.6, 0.8}, "max": {0.6, 0.8}} {
		m.spec.Pooling = pooling
		if v := m.vector(x, 3, 3); v[0] != want[0] || v[1] != want[1] {
			t.Errorf("%s: %v, want %v", pooling, v, want)
		}
	}
}
