package store

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

const (
	weights = "model.safetensors"
	index   = "model.safetensors.index.json"
)

// small are the files that the runtime reads beside the weights, and the model
// card, which names the licence.
var small = []string{
	"config.json", "tokenizer.json", "vocab.txt", "tokenizer_config.json", "special_tokens_map.json",
	"modules.json", "config_sentence_transformers.json", "sentence_bert_config.json",
	"README.md", "LICENSE",
}

// moduleFile are the files of what sentence-transformers runs after the
// network, each in its own folder.
var moduleFile = regexp.MustCompile(`^[0-9]+_(Pooling/config\.json|Dense/(config\.json|model\.safetensors))$`)

// Select picks from the paths of a published model those that the runtime
// needs, sorted. It says what is missing.
func Select(paths []string) ([]string, error) {
	var out, shards, other []string
	for _, p := range paths {
		switch {
		case slices.Contains(small, p) || moduleFile.MatchString(p):
			out = append(out, p)
		case p == weights || p == index:
		case path.Dir(p) == "." && strings.HasPrefix(p, "model-") && strings.HasSuffix(p, ".safetensors"):
			shards = append(shards, p)
		case path.Dir(p) == "." && isOtherWeights(p):
			other = append(other, p)
		}
	}
	switch {
	case slices.Contains(paths, weights):
		out = append(out, weights)
	case slices.Contains(paths, index) && len(shards) > 0:
		out = append(append(out, index), shards...)
	case len(other) > 0:
		return nil, fmt.Errorf("no %s, only %s: weights in other formats are not supported", weights, strings.Join(other, ", "))
	default:
		return nil, fmt.Errorf("no %s", weights)
	}
	if !slices.Contains(out, "config.json") {
		return nil, fmt.Errorf("no config.json")
	}
	if !slices.Contains(out, "tokenizer.json") && !slices.Contains(out, "vocab.txt") {
		return nil, fmt.Errorf("neither tokenizer.json nor vocab.txt")
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func isOtherWeights(p string) bool {
	switch path.Ext(p) {
	case ".bin", ".pt", ".onnx", ".h5", ".gguf", ".msgpack":
		return true
	}
	return path.Ext(p) == ".safetensors"
}

// limitOf is how large a file of a model may be.
func limitOf(p string) int64 {
	if strings.HasSuffix(p, ".safetensors") {
		return maxWeights
	}
	return maxSmall
}

const (
	maxWeights = 16 << 30
	maxSmall   = 256 << 20
)
