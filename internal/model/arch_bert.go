package model

// The families that normalise after each half and learn their positions.

var bert = architecture{
	configure: func(*hubConfig, *Spec) error { return nil },
	head:      Head{Pooling: "cls", Activation: "tanh"},
	prefixes:  []string{"bert.", ""},
	word:      "embeddings.word_embeddings", position: "embeddings.position_embeddings",
	types: "embeddings.token_type_embeddings", norm: "embeddings.LayerNorm",
	layer: layerNames{
		prefix: "encoder.layer.%d.",
		query:  "attention.self.query", key: "attention.self.key", value: "attention.self.value",
		attnOut: "attention.output.dense", attnNorm: "attention.output.LayerNorm",
		up: "intermediate.dense", down: "output.dense", norm: "output.LayerNorm",
	},
	headDense: "*pooler.dense", headOut: "classifier",
}

// RoBERTa and XLM-RoBERTa (arXiv:1907.11692, 1911.02116): BERT with positions
// that start after the padding token's id.
var roberta = func() architecture {
	a := bert
	a.configure = func(c *hubConfig, s *Spec) error {
		s.FirstPos = c.PadToken + 1
		return nil
	}
	a.prefixes = []string{"roberta.", ""}
	a.headDense, a.headOut = "classifier.dense", "classifier.out_proj"
	return a
}()

// DistilBERT (arXiv:1910.01108): BERT without segment types.
var distilbert = architecture{
	configure: func(c *hubConfig, s *Spec) error {
		s.Hidden, s.Layers, s.Heads, s.Intermediate = c.Dim, c.NLayers, c.NHeads, c.HiddenDim
		s.Activation, s.Epsilon, s.Types = c.DActivation, 1e-12, 0
		return nil
	},
	head:     Head{Pooling: "cls", Activation: "relu"},
	prefixes: []string{"distilbert.", ""},
	word:     "embeddings.word_embeddings", position: "embeddings.position_embeddings", norm: "embeddings.LayerNorm",
	layer: layerNames{
		prefix: "transformer.layer.%d.",
		query:  "attention.q_lin", key: "attention.k_lin", value: "attention.v_lin",
		attnOut: "attention.out_lin", attnNorm: "sa_layer_norm",
		up: "ffn.lin1", down: "ffn.lin2", norm: "output_layer_norm",
	},
	headDense: "pre_classifier", headOut: "classifier",
}

// MPNet (arXiv:2004.09297): RoBERTa's positions, no segment types, and a
// learnt score for each distance between two tokens.
var mpnet = architecture{
	configure: func(c *hubConfig, s *Spec) error {
		s.FirstPos, s.Types, s.Buckets = c.PadToken+1, 0, c.Buckets
		if s.Buckets == 0 {
			s.Buckets = 32
		}
		return nil
	},
	head:     Head{Pooling: "cls", Activation: "tanh"},
	prefixes: []string{"mpnet.", ""},
	word:     "embeddings.word_embeddings", position: "embeddings.position_embeddings", norm: "embeddings.LayerNorm",
	relative: "encoder.relative_attention_bias",
	layer: layerNames{
		prefix: "encoder.layer.%d.",
		query:  "attention.attn.q", key: "attention.attn.k", value: "attention.attn.v",
		attnOut: "attention.attn.o", attnNorm: "attention.LayerNorm",
		up: "intermediate.dense", down: "output.dense", norm: "output.LayerNorm",
	},
	headDense: "classifier.dense", headOut: "classifier.out_proj",
}
