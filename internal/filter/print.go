package filter

import "encoding/json"

// String prints the filter in the native spelling, so that Parse reads it
// back: "{}" is the filter that matches everything.
func (f Filter) String() string {
	b, err := f.MarshalJSON()
	if err != nil {
		return "{}" // a value that JSON cannot hold: Validate refuses it
	}
	return string(b)
}

// MarshalJSON writes the native spelling.
func (f Filter) MarshalJSON() ([]byte, error) {
	switch f.Op {
	case "":
		return []byte("{}"), nil
	case And, Or, Not:
		filters := f.Filters
		if filters == nil {
			filters = []Filter{}
		}
		return json.Marshal(struct {
			Type    Op       `json:"type"`
			Filters []Filter `json:"filters"`
		}{f.Op, filters})
	}
	var value any = f.Value()
	if f.Op == In || f.Op == Nin {
		value = append([]Value{}, f.Values...)
	}
	return json.Marshal(struct {
		Type  Op     `json:"type"`
		Key   string `json:"key"`
		Value any    `json:"value"`
	}{f.Op, f.Key, value})
}
