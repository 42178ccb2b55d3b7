package model

import (
	"fmt"
	"sort"
	"strings"
)

// architecture maps a published family onto the runtime's one shape: what its
// configuration means and where its tensors are. A new family of that shape
// is one more entry.
type architecture struct {
	// configure completes a Spec from the family's own keys.
	configure func(c *hubConfig, s *Spec) error
	head      Head // of its ForSequenceClassification; none without activation

	// centred families take the mean off a vector that is cut (Matryoshka).
	centred bool

	prefixes              []string // tried in order
	word, position, types string
	norm, finalNorm       string
	relative              string
	layer                 layerNames
	headDense, headNorm   string // headDense may start with "*", the prefix
	headOut               string
}

// layerNames are the tensors of one layer, after a prefix with %d.
type layerNames struct {
	prefix            string
	qkv               string // all three in one, or:
	query, key, value string
	attnOut           string
	attnNorm          string
	up, gate          string // a family whose up holds both has gate "="
	down, norm        string
	noBias            bool // the products have none
	noNormBias        bool
	firstNormMissing  bool // layer 0 does not normalise before attention
}

var architectures = map[string]architecture{
	"bert":        bert,
	"roberta":     roberta,
	"xlm-roberta": roberta,
	"distilbert":  distilbert,
	"mpnet":       mpnet,
	"modernbert":  modernbert,
	"nomic_bert":  nomicBERT,
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
