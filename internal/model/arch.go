package model

import (
	"fmt"
	"sort"
	"strings"
)

// architecture maps a published family onto the runtime's one shape: where
// its tensors are. A new family of the same shape is one more entry.
type architecture struct {
	prefixes                            []string // tried in order
	word, position, types, norm         string
	layer                               string // with %d
	query, key, value, attnOut, attNorm string
	up, down, outNorm                   string
}

var architectures = map[string]architecture{
	"bert": {
		prefixes: []string{"", "bert."},
		word:     "embeddings.word_embeddings", position: "embeddings.position_embeddings",
		types: "embeddings.token_type_embeddings", norm: "embeddings.LayerNorm",
		layer: "encoder.layer.%d.", query: "attention.self.query", key: "attention.self.key", value: "attention.self.value",
		attnOut: "attention.output.dense", attNorm: "attention.output.LayerNorm",
		up: "intermediate.dense", down: "output.dense", outNorm: "output.LayerNorm",
	},
}

func architectureOf(modelType string) (architecture, error) {
	a, ok := architectures[modelType]
	if !ok {
		var known []string
		for n := range architectures {
			known = append(known, n)
		}
		sort.Strings(known)
		return a, fmt.Errorf("read config.json: model_type %q is not supported (%s)", modelType, strings.Join(known, ", "))
	}
	return a, nil
}
