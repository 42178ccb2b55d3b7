package rag

import (
	"fmt"
	"time"
)

// Retention is how long an index keeps former versions searchable; 0 keeps
// none. As text it is "none" or a duration, as in "720h".
type Retention time.Duration

const (
	noRetention  = "none"
	minRetention = time.Second
)

// ParseRetention reads a retention: none, or a second or more.
func ParseRetention(text string) (Retention, error) {
	if text == noRetention {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < minRetention {
		return 0, Invalid("/settings/retention", fmt.Sprintf(`%q is neither "none" nor a duration of a second or more, as in "720h" (30 days)`, text))
	}
	return Retention(d), nil
}

func (r Retention) String() string {
	if r == 0 {
		return noRetention
	}
	return time.Duration(r).String()
}

// MarshalText implements encoding.TextMarshaler.
func (r Retention) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Retention) UnmarshalText(text []byte) (err error) {
	*r, err = ParseRetention(string(text))
	return err
}
