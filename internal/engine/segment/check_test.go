package segment

import (
	"slices"
	"testing"
)

// TestColumnsAreChecked breaks each part of the columns of a segment whose
// documents stay as they are.
func TestColumnsAreChecked(t *testing.T) {
	build := func() *Segment { return mustBuild(t, sample("d", 40, 8), nil) }
	if err := build().CheckColumns(); err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(s *Segment){
		"label":        func(s *Segment) { s.access.docs[0], s.access.docs[1] = s.access.docs[1], s.access.docs[0] },
		"label's list": func(s *Segment) { s.access.starts[1]-- },
		"value":        func(s *Segment) { s.fields["n"].docs[3] = 4 },
		"value's name": func(s *Segment) { s.fields["tags"].values.blob[2]++ },
		"presence":     func(s *Segment) { s.fields["tags"].present = slices.Delete(s.fields["tags"].present, 5, 6) },
		"field":        func(s *Segment) { delete(s.fields, "n") },
		"other field":  func(s *Segment) { s.fields["x"] = &Column{} },
	} {
		s := build()
		if damage(s); s.CheckColumns() == nil {
			t.Errorf("a broken %s is not found", name)
		}
	}
}
