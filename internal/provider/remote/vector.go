package remote

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// vector reads an embedding as an array of numbers or as base64 of
// little-endian float32: servers that do not know base64 answer with numbers.
type vector []float32

// UnmarshalJSON implements json.Unmarshaler. Its errors hold no content.
func (v *vector) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		raw := make([]byte, base64.StdEncoding.DecodedLen(len(b)-2))
		n, err := base64.StdEncoding.Decode(raw, b[1:len(b)-1])
		if err != nil || n%4 != 0 {
			return errors.New("an embedding is not base64 of numbers")
		}
		*v = make(vector, n/4)
		for i := range *v {
			(*v)[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
		return nil
	}
	var numbers []float32
	if err := json.Unmarshal(b, &numbers); err != nil {
		return errors.New("an embedding is not a list of numbers")
	}
	*v = numbers
	return nil
}

// decode reads JSON. The error tells the kind of fault and not the content.
func decode(body []byte, into any) error {
	err := json.Unmarshal(body, into)
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		return fmt.Errorf("malformed JSON at byte %d", syntax.Offset)
	}
	return errors.New("JSON of another shape")
}

// numbered is an embedding with its place.
type numbered struct {
	Index     int    `json:"index"`
	Embedding vector `json:"embedding"`
}

// placed puts embeddings where they belong.
func placed(items []numbered, n int) ([][]float32, error) {
	if len(items) != n {
		return nil, fmt.Errorf("%d embeddings for %d texts", len(items), n)
	}
	vectors := make([][]float32, n)
	for _, item := range items {
		if item.Index < 0 || item.Index >= n || vectors[item.Index] != nil {
			return nil, fmt.Errorf("index %d is out of range or comes twice", item.Index)
		}
		vectors[item.Index] = item.Embedding
	}
	return vectors, nil
}

func plainVectors(list []vector) [][]float32 {
	vectors := make([][]float32, len(list))
	for i, v := range list {
		vectors[i] = v
	}
	return vectors
}

// checked brings n vectors of dim numbers to unit length, or says what is wrong
// with them.
func checked(vectors [][]float32, n, dim int) error {
	if len(vectors) != n {
		return fmt.Errorf("%d embeddings for %d texts", len(vectors), n)
	}
	for i, v := range vectors {
		if len(v) != dim {
			return fmt.Errorf("embedding %d has %d dimensions, not %d", i, len(v), dim)
		}
		var sum float64
		for _, x := range v {
			sum += float64(x) * float64(x)
		}
		if !(sum > 1e-24) || math.IsInf(sum, 1) {
			return fmt.Errorf("embedding %d is zero or not finite", i)
		}
		scale := 1 / math.Sqrt(sum)
		for d := range v {
			v[d] = float32(float64(v[d]) * scale)
		}
	}
	return nil
}
