package api

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
)

// Vector is a list of numbers.
type Vector []float32

// UnmarshalJSON reads a list of numbers. One that does not fit 32 bits becomes
// an infinity, so that whoever checks the vector can say where it stands.
func (v *Vector) UnmarshalJSON(b []byte) error {
	var numbers []json.Number
	if err := json.Unmarshal(b, &numbers); err != nil {
		return err
	}
	if numbers == nil { // null
		*v = nil
		return nil
	}
	*v = make(Vector, len(numbers))
	for i, n := range numbers {
		x, err := strconv.ParseFloat(n.String(), 32)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			x = math.NaN() // null, or a string that holds no number
		}
		(*v)[i] = float32(x)
	}
	return nil
}
