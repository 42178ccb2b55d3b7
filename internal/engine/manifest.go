package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/quarry-search/quarry/internal/engine/segment"
)

// The manifest says what the index consists of at one seq. docs/formats/
// segment.md draws it.
const (
	manifestName  = "manifest"
	manifestMagic = "QUARRYMF"
	// revision is part of the manifest: segments written by another analyzer,
	// rotation or layout are rebuilt, not read.
	revision = 4
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)

	errManifest = errors.New("damaged manifest")
	errRevision = errors.New("the index was written by another version")
)

// manifest is its content.
type manifest struct {
	seq         uint64
	next        uint64 // number of the next segment file
	log         string // of what it follows: Options.Log
	fingerprint string // of its vectors: Options.Fingerprint
	collections []manifestCollection
}

type manifestCollection struct {
	name, fingerprint string
	settings          VectorSettings
	history           History
	dim               int
	lost              bool // documents lack that a damaged segment held
	parts             []manifestPart
}

type manifestPart struct {
	file  uint64 // number
	check uint32 // segment.Segment.Check
	dead  []uint32

	graph      uint64 // number of its graph's file, 0 for none
	graphCheck uint32
}

func (m manifest) encode() []byte {
	b := []byte(manifestMagic)
	b = binary.AppendUvarint(b, revision)
	b = binary.AppendUvarint(b, m.seq)
	b = binary.AppendUvarint(b, m.next)
	b = appendString(appendString(b, m.log), m.fingerprint)
	b = binary.AppendUvarint(b, uint64(len(m.collections)))
	for _, c := range m.collections {
		b = appendString(appendString(b, c.name), c.fingerprint)
		b = binary.AppendUvarint(b, uint64(c.dim))
		b = c.settings.append(b, c.history)
		lost := byte(0)
		if c.lost {
			lost = 1
		}
		b = append(b, lost)
		b = binary.AppendUvarint(b, uint64(len(c.parts)))
		for _, p := range c.parts {
			b = binary.AppendUvarint(b, p.file)
			b = binary.LittleEndian.AppendUint32(b, p.check)
			b = binary.AppendUvarint(b, uint64(len(p.dead)))
			last := uint32(0)
			for _, doc := range p.dead {
				b = binary.AppendUvarint(b, uint64(doc-last))
				last = doc
			}
			b = binary.AppendUvarint(b, p.graph)
			b = binary.LittleEndian.AppendUint32(b, p.graphCheck)
		}
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func decodeManifest(b []byte) (manifest, error) {
	if len(b) < len(manifestMagic)+4 || string(b[:len(manifestMagic)]) != manifestMagic {
		return manifest{}, errManifest
	}
	body := b[:len(b)-4]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(b[len(body):]) {
		return manifest{}, errManifest
	}
	r := manifestReader{rest: body[len(manifestMagic):]}
	if r.number() != revision {
		return manifest{}, errRevision
	}
	m := manifest{seq: r.number(), next: r.number(), log: r.string(), fingerprint: r.string()}
	for n := r.number(); n > 0 && !r.bad; n-- {
		c := manifestCollection{name: r.string(), fingerprint: r.string(), dim: int(r.number())}
		c.settings, c.history = r.settings()
		c.lost = r.take(1)[0] == 1
		for parts := r.number(); parts > 0 && !r.bad; parts-- {
			p := manifestPart{file: r.number(), check: r.fixed()}
			doc := uint32(0)
			for dead := r.number(); dead > 0 && !r.bad; dead-- {
				doc += uint32(r.number())
				p.dead = append(p.dead, doc)
			}
			p.graph, p.graphCheck = r.number(), r.fixed()
			c.parts = append(c.parts, p)
		}
		m.collections = append(m.collections, c)
	}
	if r.bad || len(r.rest) > 0 {
		return manifest{}, errManifest
	}
	return m, nil
}

// manifestReader takes a manifest apart; bad says that it ended too soon.
type manifestReader struct {
	rest []byte
	bad  bool
}

func (r *manifestReader) number() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *manifestReader) take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.bad = true
		return make([]byte, 4)
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// append writes settings: a byte for the metric, a byte whose lowest bit says
// that the dense leg is exact, with the history in the two above, and the
// dimension.
func (s VectorSettings) append(b []byte, h History) []byte {
	flags := byte(h) << 1
	if s.Exact {
		flags |= 1
	}
	return binary.AppendUvarint(append(b, byte(s.Metric), flags), uint64(s.Dim))
}

func (r *manifestReader) settings() (VectorSettings, History) {
	b := r.take(2)
	s := VectorSettings{Metric: Metric(b[0]), Exact: b[1]&1 == 1, Dim: int(r.number())}
	h := History(b[1] >> 1)
	r.bad = r.bad || !s.Metric.Valid() || s.Dim > maxDim || h > NoHistory
	return s, h
}

func (r *manifestReader) string() string { return string(r.take(r.number())) }
func (r *manifestReader) fixed() uint32  { return binary.LittleEndian.Uint32(r.take(4)) }

// segmentName is the name of segment file number n.
func segmentName(n uint64) string { return fmt.Sprintf("seg-%016x", n) }

// deadOf lists the dead documents of a part.
func deadOf(p *part) []uint32 {
	if p.whole() {
		return nil
	}
	dead := segment.AllBits(p.seg.Docs())
	dead.AndNot(p.docs)
	return dead.AppendTo(nil)
}
