package segment

import (
	"sync"

	"github.com/quarry-search/quarry/internal/engine/bm25"
	"github.com/quarry-search/quarry/internal/engine/kernel"
	"github.com/quarry-search/quarry/internal/engine/quant"
)

// Open makes a segment of a file's bytes, as OpenLazy does, and Ready.
func Open(b []byte) (*Segment, error) {
	s, err := OpenLazy(b)
	if err != nil {
		return nil, err
	}
	return s, s.Ready()
}

// countedSections are those that OpenLazy verifies: what is counted by.
var countedSections = []string{"field.keys.ends", "field.keys.blob", "dim", "metric", "doc.rows", "row.lengths", "vector.present"}

// OpenLazy makes a segment of a file's bytes, which it goes on using: they must
// stay, and stay unchanged, as long as it. Until Ready said so only Check, Docs,
// Rows, Dim, Metric, RowsOf, Lengths, HasVector and SizeBytes may be used; the
// vectors are verified by VerifyVectors. Errors of type *DamageError name what
// is broken.
func OpenLazy(b []byte) (*Segment, error) {
	f, err := openFile(b)
	if err != nil {
		return nil, err
	}
	s := &Segment{file: f, fields: map[string]*Column{}}
	for _, name := range countedSections {
		if err := f.verifySection(name); err != nil {
			return nil, err
		}
	}
	keys := table{ends: numbersOf[uint64](f.sections["field.keys.ends"]), blob: f.sections["field.keys.blob"]}
	if !keys.valid() {
		return nil, damaged("field.keys")
	}
	for i := range keys.len() {
		s.fields[keys.get(i)] = &Column{}
	}
	if len(s.fields) != keys.len() {
		return nil, damaged("field.keys")
	}
	s.sections(func(name string, _ func() []byte, set func([]byte)) { set(f.sections[name]) })
	if dim := numbersOf[uint64](f.sections["dim"]); len(dim) == 1 && dim[0] <= maxDim {
		s.setDim(int(dim[0]))
	} else {
		return nil, damaged("dim")
	}
	if b := f.sections["metric"]; len(b) == 1 { // files from before there were several have none
		s.metric = quant.Metric(b[0])
	}
	rows := s.Rows()
	if !rising(s.docRow, s.Docs(), uint32(rows)) || len(s.lengths) != rows || len(s.has) > 0 && len(s.has) != (rows+63)/64 || !s.has.within(rows) {
		return nil, damaged("its counts do not fit each other")
	}
	return s, nil
}

// readiness is whether everything but the vectors was found whole.
type readiness struct {
	once sync.Once
	err  error
}

// Ready verifies what OpenLazy left, everything but the vectors, the first time
// that it is called, and returns what that found.
func (s *Segment) Ready() error {
	if s.file == nil {
		return nil
	}
	s.readiness.once.Do(func() {
		err := s.verifyAllButVectors()
		if err == nil {
			err = s.validate()
		}
		if err == nil {
			s.finishCentre()
		}
		s.readiness.err = err
	})
	return s.readiness.err
}

const maxDim = 1 << 16

// setDim sets the dimension and what follows from it.
func (s *Segment) setDim(dim int) {
	s.dim = dim
	if dim > 0 {
		s.stride = quant.Padded(dim, kernel.FloatBlock)
		s.record = quant.RecordSize(quant.Padded(dim, kernel.CodeBlock))
	}
}

// Check is the checksum that Write returned, 0 for a segment that is not from
// a file.
func (s *Segment) Check() uint32 {
	if s.file == nil {
		return 0
	}
	return s.file.check
}

// verifyAllButVectors verifies each block that holds anything else.
func (s *Segment) verifyAllButVectors() error {
	from, to := 0, 0 // bytes of the vectors
	if v := s.file.sections[vectorSection]; len(v) > 0 {
		from = s.file.offsetOf(v)
		to = from + len(v)
	}
	for block := range s.file.checks {
		if start := block * blockSize; start >= from && start+blockSize <= to {
			continue
		}
		if err := s.file.verify(block); err != nil {
			return err
		}
	}
	return nil
}

// VerifyVectors reports damage to the vectors of rows: call it before they are
// read. It costs next to nothing where it was done before.
func (s *Segment) VerifyVectors(rows []uint32) error {
	if s.file == nil || len(s.vectors) == 0 {
		return nil
	}
	size := 4 * s.stride
	start := s.file.offsetOf(s.file.sections[vectorSection])
	for _, row := range rows {
		from := start + int(row)*size
		for block := from / blockSize; block <= (from+size-1)/blockSize; block++ {
			if err := s.file.verify(block); err != nil {
				return err
			}
		}
	}
	return nil
}

// Verify compares every block with its checksum anew, and lists the damage.
func (s *Segment) Verify() (damage []error) {
	if s.file == nil {
		return nil
	}
	for block := range s.file.checks {
		if err := s.file.reverify(block); err != nil {
			damage = append(damage, err)
		}
	}
	return damage
}

// validate checks that no array points outside another, so that a file that is
// wrong in spite of its checksums ends in an error, not in a panic.
func (s *Segment) validate() error {
	docs, rows, terms := s.ids.len(), len(s.rowDoc), s.terms.len()
	wanted := 0
	if s.dim > 0 {
		wanted = rows
	}
	centre, biases := 0, 0
	if s.metric.Centred() {
		centre = s.dim
	}
	if s.metric == quant.L2 {
		biases = wanted
	}
	blocks := 0
	if n := len(s.blocks); n > 0 {
		blocks = int(s.blocks[n-1])
	}
	for _, part := range []struct {
		name string
		ok   bool
	}{
		{"doc.ids", s.ids.valid()},
		{"doc.records", s.records.valid() && s.records.len() == docs},
		{"doc.rows", rising(s.docRow, docs, uint32(rows))},
		{"doc.access", s.access.valid(docs)},
		{"doc.languages", len(s.langs) == docs && s.languagesKnown()},
		{"row.docs", below(s.rowDoc, docs)},
		{"row.ordinals", len(s.ordinal) == rows},
		{"row.hashes", len(s.hashes) == 32*rows},
		{"row.lengths", len(s.lengths) == rows},
		{"row.norms", len(s.norms) == rows},
		{"form.values", s.forms.valid()},
		{"form.terms", len(s.formTerm) == s.forms.len() && s.formsHaveTerms()},
		{"form.rows", s.formRows.valid() && s.formRows.len() == s.forms.len()},
		{"row.tokens", s.tokens.valid() && s.tokens.len() == rows},
		{"term.values", s.terms.valid()},
		{"term.postings", rising(s.postings, terms, uint64(len(s.postRow)))},
		{"term.blocks", len(s.blocks) == terms+1 && s.blocksFit()},
		{"posting.rows", below(s.postRow, rows)},
		{"posting.tf", len(s.postTF) == len(s.postRow)},
		{"block.max_tf", len(s.maxTF) == blocks},
		{"block.min_norm", len(s.minNorm) == blocks},
		{"vector.present", len(s.has) == (wanted+63)/64 && s.has.within(wanted)},
		{"metric", s.metric.Valid()},
		{"vector.centre", len(s.centre) == centre},
		{"vector.biases", len(s.biases) == biases},
		{"vector.codes", len(s.codes) == wanted*s.record},
		{vectorSection, len(s.vectors) == wanted*s.stride},
	} {
		if !part.ok {
			return damaged("%s does not fit the rest", part.name)
		}
	}
	for key, c := range s.fields {
		if !c.valid(docs) || !below(c.present, docs) {
			return damaged("field %q does not fit the rest", key)
		}
	}
	return nil
}

// blocksFit reports whether each term has as many blocks as its postings fill.
func (s *Segment) blocksFit() bool {
	for t := range s.terms.len() {
		n := s.postings[t+1] - s.postings[t]
		if s.blocks[t+1] < s.blocks[t] || uint64(s.blocks[t+1]-s.blocks[t]) != (n+bm25.BlockSize-1)/bm25.BlockSize {
			return false
		}
	}
	return s.blocks[0] == 0
}

func (s *Segment) languagesKnown() bool {
	for _, l := range s.langs {
		if !bm25.Language(l).Known() {
			return false
		}
	}
	return true
}

func (s *Segment) formsHaveTerms() bool {
	for _, t := range s.formTerm {
		if t != noTerm && int(t) >= s.terms.len() {
			return false
		}
	}
	return true
}

func (t *table) valid() bool {
	last := uint64(0)
	for _, end := range t.ends {
		if end < last {
			return false
		}
		last = end
	}
	return last == uint64(len(t.blob))
}

func (c *column) valid(docs int) bool {
	return c.values.valid() && rising(c.starts, c.values.len(), uint32(len(c.docs))) && below(c.docs, docs)
}

// rising reports whether list has n+1 entries from 0 to last, none below the
// one before.
func rising[T uint32 | uint64](list []T, n int, last T) bool {
	if len(list) != n+1 || list[0] != 0 || list[n] != last {
		return false
	}
	for i := range n {
		if list[i] > list[i+1] {
			return false
		}
	}
	return true
}

func below(list []uint32, n int) bool {
	for _, x := range list {
		if int(x) >= n {
			return false
		}
	}
	return true
}

// within reports whether no ordinal from n on is set.
func (b Bits) within(n int) bool {
	return len(b) == 0 || n%64 == 0 || b[len(b)-1]>>(n%64) == 0
}
