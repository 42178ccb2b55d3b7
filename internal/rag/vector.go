package rag

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// VectorSettings say where a collection's vectors come from and how they are
// compared and searched. The zero value is vectors of the server's model,
// compared by cosine, searched by whatever is fastest.
type VectorSettings struct {
	Source    VectorSource `json:"source,omitempty"`
	Metric    Metric       `json:"metric,omitempty"`
	Dimension int          `json:"dimension,omitempty"` // of given vectors
	Path      DensePath    `json:"path,omitempty"`
}

// VectorSource says who makes a collection's vectors.
type VectorSource string

// The sources: the server's model, and the caller who puts the documents.
const (
	VectorsComputed VectorSource = "" // or "model"
	VectorsGiven    VectorSource = "given"
)

// Metric is how two vectors are compared. More is nearer in all of them.
type Metric string

// The metrics, with their scores. The zero value is cosine.
const (
	MetricCosine Metric = "cosine" // dot product of the vectors at unit length
	MetricDot    Metric = "dot"    // dot product of the vectors as they are
	MetricL2     Metric = "l2"     // minus the squared Euclidean distance
)

// DensePath chooses how an index finds the nearest vectors.
type DensePath string

// The paths: whatever is fastest at a recall of 0.97 or more, and exact scores
// of every chunk that scope and filter let pass.
const (
	PathAuto  DensePath = "auto"
	PathExact DensePath = "exact"
)

// The limits of given vectors.
const (
	MinDimension = 1
	MaxDimension = 4096
	// MaxVectorLength keeps squares of distances far from the end of 32-bit
	// floats.
	MaxVectorLength = 1e9
)

// Validate reports the first setting that is not one, by its JSON pointer
// below the settings.
func (s VectorSettings) Validate() error {
	switch s.Source {
	case VectorsComputed:
		if s.Dimension != 0 {
			return Invalid("/settings/vectors/dimension", "is the model's where the server computes the vectors; leave it out")
		}
	case VectorsGiven:
		if s.Dimension < MinDimension || s.Dimension > MaxDimension {
			return Invalid("/settings/vectors/dimension", fmt.Sprintf("must be between %d and %d for given vectors, not %d", MinDimension, MaxDimension, s.Dimension))
		}
	default:
		return Invalid("/settings/vectors/source", fmt.Sprintf("%q is unknown; use model or given", s.Source))
	}
	switch s.Metric {
	case "", MetricCosine, MetricDot, MetricL2:
	default:
		return Invalid("/settings/vectors/metric", fmt.Sprintf("%q is unknown; use cosine, dot or l2", s.Metric))
	}
	switch s.Path {
	case "", PathAuto, PathExact:
	default:
		return Invalid("/settings/vectors/path", fmt.Sprintf("%q is unknown; use auto or exact", s.Path))
	}
	return nil
}

// Altered reports the first setting of next that differs from s and cannot be
// altered.
func (s VectorSettings) Altered(next VectorSettings) error {
	const message = "is fixed when a collection is created; create another one"
	switch {
	case s.Source != next.Source:
		return Invalid("/settings/vectors/source", message)
	case s.metric() != next.metric():
		return Invalid("/settings/vectors/metric", message)
	case s.Dimension != next.Dimension:
		return Invalid("/settings/vectors/dimension", message)
	}
	return nil
}

func (s VectorSettings) metric() Metric {
	if s.Metric == "" {
		return MetricCosine
	}
	return s.Metric
}

// Vector checks a given vector, or a query's, and returns it as it is stored
// and searched with: of unit length where the metric is cosine. Field is the
// JSON pointer of the vector; a faulty component is named below it.
func (s VectorSettings) Vector(field string, v []float32) ([]float32, error) {
	if len(v) == 0 || s.Dimension != 0 && len(v) != s.Dimension {
		return nil, Invalid(field, fmt.Sprintf("has %d components; the collection's vectors have %d", len(v), s.Dimension))
	}
	var square float64
	for i, x := range v {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return nil, Invalid(fmt.Sprintf("%s/%d", field, i), "is not a finite number")
		}
		square += float64(x) * float64(x)
	}
	length := math.Sqrt(square)
	switch {
	case s.metric() != MetricCosine && length > MaxVectorLength:
		return nil, Invalid(field, fmt.Sprintf("is longer than %g", float64(MaxVectorLength)))
	case s.metric() != MetricCosine:
		return v, nil
	case length == 0:
		return nil, Invalid(field, "has the length zero: it has no direction that a cosine could compare")
	}
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(float64(x) / length)
	}
	return out, nil
}

// givenPrefix marks fingerprints of vectors that callers gave.
const givenPrefix = "given:"

// NewGivenFingerprint returns the fingerprint of a new collection whose
// vectors are given: it is unlike any other, so that they never meet those of
// another collection, nor of a former one of the same name.
func NewGivenFingerprint() string { return givenPrefix + strings.ToLower(rand.Text()) }

// GivenFingerprint reports whether vectors under fingerprint were given.
func GivenFingerprint(fingerprint string) bool { return strings.HasPrefix(fingerprint, givenPrefix) }

// GivenHash is the TextHash of a chunk that came with its vector: it covers
// both, since a caller may give the same text different vectors.
func GivenHash(context, text string, vector []float32) Hash {
	h := sha256.New()
	fmt.Fprintf(h, "quarry given chunk 1\n%d\n%d\n", len(context), len(text))
	h.Write([]byte(context))
	h.Write([]byte(text))
	b := make([]byte, 0, 4*len(vector))
	for _, x := range vector {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	h.Write(b)
	return Hash(h.Sum(nil))
}
