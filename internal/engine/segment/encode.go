package segment

import (
	"io"
	"maps"
	"slices"
	"strconv"
)

// sections calls f with every array of the segment: its name in a file, and a
// function each that gives its bytes and takes them back. Write and Open share
// it, so that they cannot disagree.
func (s *Segment) sections(f func(name string, get func() []byte, set func([]byte))) {
	table := func(name string, t *table) {
		array(f, name+".ends", &t.ends)
		array(f, name+".blob", &t.blob)
	}
	column := func(name string, c *column) {
		table(name+".values", &c.values)
		array(f, name+".starts", &c.starts)
		array(f, name+".docs", &c.docs)
	}
	table("doc.ids", &s.ids)
	table("doc.records", &s.records)
	array(f, "doc.rows", &s.docRow)
	column("doc.access", &s.access)
	array(f, "doc.languages", &s.langs)
	for i, key := range slices.Sorted(maps.Keys(s.fields)) {
		name := "field." + strconv.Itoa(i)
		column(name, &s.fields[key].column)
		array(f, name+".present", &s.fields[key].present)
	}
	array(f, "row.docs", &s.rowDoc)
	array(f, "row.ordinals", &s.ordinal)
	array(f, "row.hashes", &s.hashes)
	array(f, "row.lengths", &s.lengths)
	array(f, "row.norms", &s.norms)
	table("row.tokens", &s.tokens)
	table("form.values", &s.forms)
	array(f, "form.terms", &s.formTerm)
	table("form.rows", &s.formRows)
	table("term.values", &s.terms)
	array(f, "term.postings", &s.postings)
	array(f, "term.blocks", &s.blocks)
	array(f, "posting.rows", &s.postRow)
	array(f, "posting.tf", &s.postTF)
	array(f, "block.max_tf", &s.maxTF)
	array(f, "block.min_norm", &s.minNorm)
	array(f, "vector.present", &s.has)
	array(f, "vector.codes", &s.codes)
	array(f, "vector.centre", &s.centre)
	array(f, "vector.biases", &s.biases)
	array(f, vectorSection, &s.vectors)
}

// vectorSection is verified block by block as it is read: it is most of the
// file, and few of its pages are wanted.
const vectorSection = "vector.floats"

func array[S ~[]T, T number](f func(string, func() []byte, func([]byte)), name string, s *S) {
	f(name, func() []byte { return bytesOf(*s) }, func(b []byte) { *s = numbersOf[T](b) })
}

// Write writes the segment as a file, and returns a checksum that stands for
// its whole content.
func (s *Segment) Write(w io.Writer) (check uint32, err error) {
	f := newFileWriter(w)
	var keys table
	for _, key := range slices.Sorted(maps.Keys(s.fields)) {
		keys.add(key)
	}
	f.section("field.keys.ends", bytesOf(keys.ends))
	f.section("field.keys.blob", keys.blob)
	f.section("dim", bytesOf([]uint64{uint64(s.dim)}))
	f.section("metric", []byte{byte(s.metric)})
	s.sections(func(name string, get func() []byte, _ func([]byte)) { f.section(name, get()) })
	return f.finish()
}
