package model

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Matryoshka says that beginnings of a vector are vectors too, because the
// model was trained so (Kusupati et al. 2022, arXiv:2205.13147).
type Matryoshka struct {
	Dims   []int `json:"dims,omitempty"`   // the lengths it was trained for; none: any may be taken
	Centre bool  `json:"centre,omitempty"` // its mean is taken off a vector before the cut, as layer norm does
}

// check says why dim is not a length to cut to.
func (m *Matryoshka) check(name string, dim, width int) error {
	switch {
	case dim == width:
		return nil
	case dim < 1 || dim > width:
		return fmt.Errorf("%s has %d dimensions: %d cannot be had", name, width, dim)
	case m == nil:
		return fmt.Errorf("%s always has %d dimensions: its files do not say that the beginning of a vector means anything (Matryoshka)", name, width)
	case len(m.Dims) > 0 && !slices.Contains(m.Dims, dim):
		return fmt.Errorf("%s was trained for vectors of %v or %d dimensions, not %d", name, m.Dims, width, dim)
	}
	return nil
}

var cardDims = regexp.MustCompile(`"matryoshka_dims"\s*:\s*\[([0-9,\s]*)\]`)

// readMatryoshka looks where publishers say it: in config.json, in
// config_sentence_transformers.json, in the training parameters that
// sentence-transformers writes into the model card, and, for nomic-bert, in
// the card's example.
func readMatryoshka(dir fs.FS, c *hubConfig, a architecture, s *Spec) error {
	var st struct {
		Dims     []int `json:"matryoshka_dimensions"`
		Truncate int   `json:"truncate_dim"`
	}
	if err := readJSON(dir, "config_sentence_transformers.json", &st, false); err != nil {
		return err
	}
	card, err := fs.ReadFile(dir, "README.md")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read README.md: %w", err)
	}
	dims := append(slices.Clone(c.MatryoshkaDims), st.Dims...)
	if st.Truncate > 0 {
		dims = append(dims, st.Truncate)
	}
	if m := cardDims.FindSubmatch(card); m != nil {
		for _, part := range strings.Split(string(m[1]), ",") {
			if n, err := strconv.Atoi(strings.TrimSpace(part)); err == nil {
				dims = append(dims, n)
			}
		}
	}
	dims = slices.DeleteFunc(dims, func(d int) bool { return d < 1 || d >= s.outputWidth() })
	slices.Sort(dims)
	dims = slices.Compact(dims)
	example := a.centred && strings.Contains(string(card), "matryoshka_dim")
	if len(dims) > 0 || c.IsMatryoshka || example {
		s.Matryoshka = &Matryoshka{Dims: dims, Centre: a.centred}
	}
	return nil
}

// Truncate returns the first dim elements of a vector of m, at unit length,
// and the vector itself where it is not longer. Check CanTruncate first.
func (m *Model) Truncate(v []float32, dim int) []float32 {
	if dim >= len(v) {
		return v
	}
	out := slices.Clone(v)
	if t := m.spec.Matryoshka; t != nil && t.Centre && len(v) == m.spec.outputWidth() {
		centre(out)
	}
	out = out[:dim:dim]
	unit(out)
	return out
}

// CanTruncate says why vectors of m cannot be cut to dim dimensions; nil when
// they can.
func (m *Model) CanTruncate(dim int) error {
	return m.spec.Matryoshka.check(m.spec.Name, dim, m.spec.Dim)
}

// centre takes the mean off v. Layer norm divides by the deviation as well,
// which unit length undoes.
func centre(v []float32) {
	sum := 0.0
	for _, f := range v {
		sum += float64(f)
	}
	mean := float32(sum / float64(len(v)))
	for i := range v {
		v[i] -= mean
	}
}
