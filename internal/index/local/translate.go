package local

import (
	"github.com/quarry-search/quarry/internal/engine"
	"github.com/quarry-search/quarry/internal/rag"
)

var kinds = map[rag.ChangeKind]engine.ChangeKind{
	rag.ChangePublished: engine.Put,
	rag.ChangeGone:      engine.Delete,
	rag.ChangeErased:    engine.Erase,
	rag.ChangeAccess:    engine.SetAccess,
	rag.ChangeVectors:   engine.SetVectors,
	rag.ChangeCreated:   engine.Create,
	rag.ChangeAltered:   engine.Alter,
	rag.ChangeDropped:   engine.Drop,
}

// translate turns an entry of the log into a change of the engine.
func translate(c rag.IndexChange) engine.Change {
	kind, ok := kinds[c.Kind]
	if ok && c.Superseded && c.Document != nil {
		return engine.Change{Seq: c.Seq, Kind: engine.Unknown, Collection: c.Collection, Document: engine.Document{ID: c.Document.ID}}
	}
	if !ok || c.Superseded {
		return engine.Change{Seq: c.Seq, Kind: engine.Skip}
	}
	out := engine.Change{Seq: c.Seq, Kind: kind, Collection: c.Collection, Fingerprint: c.Fingerprint, Vectors: vectors(c.Vectors)}
	if c.Settings != nil {
		out.Fingerprint = c.Settings.Fingerprint
		out.Settings = settings(c.Settings.Settings.Vectors)
		out.History = history(c.Settings.Settings.Retention)
	}
	if c.Document != nil {
		out.Document = document(*c.Document, c.Chunks)
	}
	return out
}

var metrics = map[rag.Metric]engine.Metric{
	"": engine.Cosine, rag.MetricCosine: engine.Cosine, rag.MetricDot: engine.Dot, rag.MetricL2: engine.L2,
}

// history says whether a retention keeps former versions; how long is for who
// calls ForgetIn.
func history(r *rag.Retention) engine.History {
	switch {
	case r == nil:
		return engine.InheritHistory
	case *r == 0:
		return engine.NoHistory
	}
	return engine.KeepHistory
}

func settings(s rag.VectorSettings) engine.VectorSettings {
	return engine.VectorSettings{Metric: metrics[s.Metric], Dim: s.Dimension, Exact: s.Path == rag.PathExact}
}

func vectors(m map[rag.Hash][]float32) map[engine.Hash][]float32 {
	if len(m) == 0 {
		return nil
	}
	out := make(map[engine.Hash][]float32, len(m))
	for h, v := range m {
		out[h] = v
	}
	return out
}

func document(d rag.Document, chunks []rag.Chunk) engine.Document {
	out := engine.Document{
		ID: d.ID, Version: d.Version.Number, Access: d.Access,
		Fields: d.Fields(), Language: d.Version.Language, Rows: make([]engine.Row, len(chunks)),
	}
	for i, c := range chunks {
		out.Rows[i] = engine.Row{
			Ordinal: c.Key.Ordinal, Hash: c.TextHash, Title: d.Version.Title, Heading: c.Context, Text: c.Text,
		}
	}
	return out
}
