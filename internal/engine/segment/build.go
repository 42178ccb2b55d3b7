package segment

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"strings"

	"github.com/quarry-search/quarry/internal/engine/bm25"
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

// Build makes one segment of new documents and of the live ones of parts. All
// vectors have the same dimension, and are compared by their cosine.
func Build(docs []Document, parts []Part) (*Segment, error) {
	return BuildFor(quant.Cosine, docs, parts)
}

// BuildFor is Build for vectors that are compared by metric.
func BuildFor(metric quant.Metric, docs []Document, parts []Part) (*Segment, error) {
	b := builder{seg: &Segment{metric: metric, fields: map[string]*Column{}}, interned: map[string]uint32{}}
	sources := b.collect(docs, parts)
	for i, src := range sources {
		if i > 0 && src.id == sources[i-1].id {
			return nil, ErrDuplicate
		}
		b.addDoc(src, docs, parts)
	}
	b.seg.docRow = append(b.seg.docRow, uint32(len(b.seg.rowDoc)))
	b.finishColumns()
	b.finishTerms()
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
	interned map[string]uint32 // term → number in order of first sight
	words    []string          // by that number
	known    [][]uint32        // [part][term ordinal] number + 1
	stream   []uint32          // terms of all rows
	ends     []int             // where each row ends in stream
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
		b.known = append(b.known, make([]uint32, p.Segment.terms.len()))
	}
	if s := b.seg; s.dim > 0 {
		s.vectors = make([]float32, rows*s.stride)
		s.codes = make([]byte, rows*s.record)
		s.has = NewBits(rows)
	}
	slices.SortFunc(list, func(x, y source) int { return strings.Compare(x.id, y.id) })
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
			for _, t := range r.Terms {
				b.stream = append(b.stream, b.intern(t))
			}
			b.endRow(r.Vector, nil)
		}
	} else {
		old := parts[src.part].Segment
		record := old.records.get(int(src.doc))
		d = decodeRecord(record)
		s.records.add(record)
		b.addRowsOf(doc, src, old)
	}
	b.addFields(doc, d)
}

func (b *builder) addRowsOf(doc uint32, src source, old *Segment) {
	known := b.known[src.part]
	from, to := old.RowsOf(src.doc)
	for row := from; row < to; row++ {
		b.addRow(doc, old.ordinal[row], old.hashes[32*int(row):][:32])
		old.eachToken(row, func(t int) {
			if known[t] == 0 {
				known[t] = b.intern(old.terms.get(t)) + 1
			}
			b.stream = append(b.stream, known[t]-1)
		})
		if old.has != nil && old.has.Get(row) {
			b.endRow(old.vectors[int(row)*old.stride:][:old.dim], old.codes[int(row)*old.record:][:old.record])
		} else {
			b.endRow(nil, nil)
		}
	}
}

func (b *builder) intern(term string) uint32 {
	n, ok := b.interned[term]
	if !ok {
		n = uint32(len(b.words))
		term = strings.Clone(term)
		b.interned[term] = n
		b.words = append(b.words, term)
	}
	return n
}

func (b *builder) addRow(doc, ordinal uint32, hash []byte) {
	b.seg.rowDoc = append(b.seg.rowDoc, doc)
	b.seg.ordinal = append(b.seg.ordinal, ordinal)
	b.seg.hashes = append(b.seg.hashes, hash...)
}

// endRow adds the vector, with its code when that is known already.
func (b *builder) endRow(vector []float32, code []byte) {
	s, row := b.seg, uint32(len(b.ends))
	from := 0
	if row > 0 {
		from = b.ends[row-1]
	}
	b.ends = append(b.ends, len(b.stream))
	s.lengths = append(s.lengths, uint32(len(b.stream)-from))
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

// finishTerms sorts the dictionary and turns the rows' streams into token
// tables and posting lists.
func (b *builder) finishTerms() {
	s := b.seg
	order := make([]uint32, len(b.words))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(x, y uint32) int { return strings.Compare(b.words[x], b.words[y]) })
	rank := make([]uint32, len(order))
	for i, n := range order {
		rank[n] = uint32(i)
		s.terms.add(b.words[n])
	}
	for i, n := range b.stream {
		b.stream[i] = rank[n]
	}
	b.finishPostings()
	from := 0
	for _, end := range b.ends {
		for _, t := range b.stream[from:end] {
			s.tokens.blob = binary.AppendUvarint(s.tokens.blob, uint64(t))
		}
		s.tokens.ends = append(s.tokens.ends, uint64(len(s.tokens.blob)))
		from = end
	}
}

// finishPostings sorts the occurrences by counting: how many rows hold each
// term, then each row into its place.
func (b *builder) finishPostings() {
	s, terms := b.seg, len(b.words)
	s.postings = make([]uint64, terms+1)
	last := make([]uint32, terms) // row + 1 in which the term was seen last
	b.eachOccurrence(func(row, t uint32) {
		if last[t] != row+1 {
			last[t] = row + 1
			s.postings[t+1]++
		}
	})
	s.blocks = make([]uint32, terms+1)
	for t := range terms {
		s.blocks[t+1] = s.blocks[t] + uint32((s.postings[t+1]+bm25.BlockSize-1)/bm25.BlockSize)
		s.postings[t+1] += s.postings[t]
	}
	s.postRow = make([]uint32, s.postings[terms])
	s.postTF = make([]uint8, s.postings[terms])
	next := slices.Clone(s.postings)
	clear(last)
	b.eachOccurrence(func(row, t uint32) {
		if last[t] != row+1 {
			last[t] = row + 1
			s.postRow[next[t]] = row
			next[t]++
		}
		if tf := &s.postTF[next[t]-1]; *tf < 255 {
			*tf++
		}
	})
	s.maxTF = make([]uint8, s.blocks[terms])
	s.minLen = make([]uint32, s.blocks[terms])
	for t := range terms {
		l := s.list(t)
		for i, row := range l.Rows {
			block := i / bm25.BlockSize
			if i%bm25.BlockSize == 0 {
				l.MinLen[block] = s.lengths[row]
			}
			l.MaxTF[block] = max(l.MaxTF[block], l.TF[i])
			l.MinLen[block] = min(l.MinLen[block], s.lengths[row])
		}
	}
}

func (b *builder) eachOccurrence(f func(row, term uint32)) {
	from := 0
	for row, end := range b.ends {
		for _, t := range b.stream[from:end] {
			f(uint32(row), t)
		}
		from = end
	}
}

// SortRows orders the rows of a document as a segment wants them.
func SortRows(rows []Row) {
	slices.SortFunc(rows, func(a, b Row) int { return cmp.Compare(a.Ordinal, b.Ordinal) })
}
