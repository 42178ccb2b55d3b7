package segment

import (
	"cmp"
	"errors"
	"runtime"
	"slices"
	"strings"

	"github.com/quarry-search/quarry/internal/engine/quant"
	"github.com/quarry-search/quarry/internal/filter"
)

// Part is what Build takes of an old segment: its live documents.
type Part struct {
	Segment *Segment
	Live    Bits // documents
}

// ErrDuplicate says that two inputs of Build hold the same document.
var ErrDuplicate = errors.New("a document stands twice among the parts of a segment")

// yieldDocs and yieldCompares are after how many documents and comparisons
// building lets others run, some 0.2 ms: a search that shares the processor
// with it must not wait for the 10 ms that the runtime lets a goroutine run.
const (
	yieldDocs     = 64
	yieldCompares = 4096
)

// sortYielding is slices.SortFunc, which lets others run meanwhile.
func sortYielding[T any](list []T, compare func(a, b T) int) {
	n := 0
	slices.SortFunc(list, func(a, b T) int {
		if n++; n%yieldCompares == 0 {
			runtime.Gosched()
		}
		return compare(a, b)
	})
}

// Build makes one segment of new documents and of the live ones of parts. All
// vectors have the same dimension, and are compared by their cosine.
func Build(docs []Document, parts []Part) (*Segment, error) {
	return BuildFor(quant.Cosine, docs, parts)
}

// BuildFor is Build for vectors that are compared by metric.
func BuildFor(metric quant.Metric, docs []Document, parts []Part) (*Segment, error) {
	b := builder{seg: &Segment{metric: metric, fields: map[string]*Column{}}, interned: map[word]uint32{}}
	sources := b.collect(docs, parts)
	for i, src := range sources {
		if i > 0 && src.id == sources[i-1].id {
			return nil, ErrDuplicate
		}
		b.addDoc(src, docs, parts)
		if i%yieldDocs == yieldDocs-1 {
			runtime.Gosched()
		}
	}
	b.seg.docRow = append(b.seg.docRow, uint32(len(b.seg.rowDoc)))
	b.finishColumns()
	b.finishWords()
	b.finishCodes()
	return b.seg, nil
}

// source is where a document comes from: parts[part], or docs when part is -1.
type source struct {
	id   string
	part int
	doc  uint32
}

type builder struct {
	seg      *Segment
	interned map[word]uint32 // number in order of first sight
	words    []word          // by that number
	known    [][]uint32      // [part][form] number + 1
	stream   []uint32        // words of all rows, with a fieldBreak between fields
	ends     []int           // where each row ends in stream
	rotated  []float32
	rotation *quant.Rotation
	access   []pair
	pairs    map[string][]pair
	present  map[string][]uint32
}

// collect lists the documents of the result by id, and sizes its arrays.
func (b *builder) collect(docs []Document, parts []Part) []source {
	var list []source
	rows := 0
	for i, d := range docs {
		list = append(list, source{d.ID, -1, uint32(i)})
		rows += len(d.Rows)
		for _, r := range d.Rows {
			b.setDim(len(r.Vector))
		}
	}
	for i, p := range parts {
		p.Live.Each(func(doc uint32) {
			list = append(list, source{p.Segment.DocID(doc), i, doc})
			from, to := p.Segment.RowsOf(doc)
			rows += int(to - from)
		})
		b.setDim(p.Segment.dim)
		b.known = append(b.known, make([]uint32, p.Segment.forms.len()))
	}
	if s := b.seg; s.dim > 0 {
		s.vectors = make([]float32, rows*s.stride)
		s.codes = make([]byte, rows*s.record)
		s.has = NewBits(rows)
	}
	sortYielding(list, func(x, y source) int { return strings.Compare(x.id, y.id) })
	b.pairs, b.present = map[string][]pair{}, map[string][]uint32{}
	return list
}

func (b *builder) setDim(dim int) {
	if dim == 0 || b.seg.dim != 0 {
		return
	}
	b.seg.setDim(dim)
	b.rotation = quant.NewRotation(dim)
	b.rotated = make([]float32, b.rotation.Size())
}

func (b *builder) addDoc(src source, docs []Document, parts []Part) {
	s, doc := b.seg, uint32(b.seg.Docs())
	s.ids.add(src.id)
	s.docRow = append(s.docRow, uint32(len(s.rowDoc)))
	var d Document
	if src.part < 0 {
		d = docs[src.doc]
		s.records.add(encodeRecord(d))
		for _, r := range d.Rows {
			b.addRow(doc, uint32(r.Ordinal), r.Hash[:])
			b.addTokens(r.Tokens)
			b.endRow(r.Vector, nil)
		}
	} else {
		old := parts[src.part].Segment
		record := old.records.get(int(src.doc))
		d = decodeRecord(record)
		d.Language = old.LanguageOf(src.doc)
		s.records.add(record)
		b.addRowsOf(doc, src, old)
	}
	s.langs = append(s.langs, uint8(d.Language))
	b.addFields(doc, d)
}

func (b *builder) addRowsOf(doc uint32, src source, old *Segment) {
	known := b.known[src.part]
	from, to := old.RowsOf(src.doc)
	for row := from; row < to; row++ {
		b.addRow(doc, old.ordinal[row], old.hashes[32*int(row):][:32])
		b.addTokensOf(old, row, known)
		if old.has != nil && old.has.Get(row) {
			b.endRow(old.vectors[int(row)*old.stride:][:old.dim], old.codes[int(row)*old.record:][:old.record])
		} else {
			b.endRow(nil, nil)
		}
	}
}

func (b *builder) addRow(doc, ordinal uint32, hash []byte) {
	b.seg.rowDoc = append(b.seg.rowDoc, doc)
	b.seg.ordinal = append(b.seg.ordinal, ordinal)
	b.seg.hashes = append(b.seg.hashes, hash...)
}

// endRow adds the vector, with its code when that is known already.
func (b *builder) endRow(vector []float32, code []byte) {
	s, row := b.seg, uint32(len(b.ends))
	b.ends = append(b.ends, len(b.stream))
	if vector == nil {
		return
	}
	s.has.Set(row)
	copy(s.vectors[int(row)*s.stride:], vector)
	if s.metric.Centred() {
		return // finishCodes makes the codes, once all vectors are here
	}
	record := s.codes[int(row)*s.record:][:s.record]
	if code != nil {
		copy(record, code)
		return
	}
	b.rotation.Rotate(b.rotated, vector)
	quant.EncodeBits(record, b.rotated)
}

func (b *builder) addFields(doc uint32, d Document) {
	for _, label := range d.Access {
		b.access = append(b.access, pair{label, doc})
	}
	for key, v := range d.Fields {
		b.present[key] = append(b.present[key], doc)
		if v.Kind() != filter.List {
			b.pairs[key] = append(b.pairs[key], pair{valueKey(v), doc})
			continue
		}
		for _, e := range v.List() {
			b.pairs[key] = append(b.pairs[key], pair{keyString + e, doc})
		}
	}
}

func (b *builder) finishColumns() {
	b.seg.access = makeColumn(b.access)
	for key, present := range b.present {
		b.seg.fields[strings.Clone(key)] = &Column{column: makeColumn(b.pairs[key]), present: present}
	}
}

// SortRows orders the rows of a document as a segment wants them.
func SortRows(rows []Row) {
	slices.SortFunc(rows, func(a, b Row) int { return cmp.Compare(a.Ordinal, b.Ordinal) })
}
