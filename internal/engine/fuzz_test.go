package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/quarry-search/quarry/internal/engine/ann"
	"github.com/quarry-search/quarry/internal/engine/segment"
)

// sealed gives a manifest's body its magic and checksum.
func sealed(body []byte) []byte {
	b := append([]byte(manifestMagic), body...)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// FuzzManifest reads any bytes under a true checksum: what is not refused must
// be written again as it was read.
func FuzzManifest(f *testing.F) {
	full := manifest{seq: 70, next: 9, collections: []manifestCollection{
		{name: "a", fingerprint: "m", dim: 384, settings: VectorSettings{Metric: L2, Dim: 384, Exact: true}},
		{name: "b", parts: []manifestPart{{file: 3, check: 7, dead: []uint32{0, 5, 300}, graph: 4, graphCheck: 8}, {file: 5}}},
	}}
	for _, m := range []manifest{{}, full} {
		b := m.encode()
		f.Add(b[len(manifestMagic) : len(b)-4])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := decodeManifest(sealed(body))
		_, _ = decodeManifest(body)
		if err != nil {
			return
		}
		again, err := decodeManifest(m.encode())
		if diff := gocmp.Diff(m, again, gocmp.AllowUnexported(manifest{}, manifestCollection{}, manifestPart{})); err != nil || diff != "" {
			t.Fatalf("read again: %v\n%s", err, diff)
		}
	})
}

// FuzzGraphFile changes one section of a graph's file, whose checksums are
// true: whatever it says, it is refused or searched, without a panic.
func FuzzGraphFile(f *testing.F) {
	vectors := lying(L2, 300, 64)
	docs := make([]segment.Document, len(vectors))
	for i, v := range vectors {
		docs[i] = segment.Document{ID: string(rune('A' + i)), Rows: []segment.Row{{Vector: v}}}
	}
	seg, err := segment.BuildFor(L2, docs, nil)
	must(f, err)
	lift := liftOf(seg)
	codes, memory, err := encodeRows(context.Background(), seg, lift)
	must(f, err)
	f.Cleanup(func() { must(f, memory.Close()) })
	g, err := ann.Build(context.Background(), codes, ann.Options{Beam: 20, Alpha: 1, Threads: 1})
	must(f, err)
	sections := graphSections(g, codes, lift)
	f.Add(uint8(5), uint16(0), uint16(0), []byte{1})
	f.Add(uint8(1), uint16(0), uint16(0), []byte{0xff, 0xff, 0xff, 0x7f})
	f.Add(uint8(6), uint16(40), uint16(0), []byte{0xff})
	f.Add(uint8(3), uint16(0), uint16(64), []byte{})
	f.Fuzz(func(t *testing.T, which uint8, at, cut uint16, change []byte) {
		changed := append([]segment.Section{}, sections...)
		s := &changed[int(which)%len(changed)]
		s.Bytes = bytes.Clone(s.Bytes)
		for i, c := range change {
			if len(s.Bytes) > 0 {
				s.Bytes[(int(at)+i)%len(s.Bytes)] ^= c
			}
		}
		s.Bytes = s.Bytes[:len(s.Bytes)-min(len(s.Bytes), int(cut))]
		var out bytes.Buffer
		check, err := segment.WriteSections(&out, changed)
		must(t, err)
		aligned := segment.Bytes(make([]uint32, out.Len()/4+1))[:out.Len()]
		copy(aligned, out.Bytes())
		made, err := readGraph(aligned, check, seg)
		if err != nil {
			return
		}
		q := newDenseQuery(64)
		q.prepare(vectors[0])
		q.rotate()
		query := q.codes(made.lift, vectors[0])
		made.Search(nil, query, 20, nil, nil, 0)
		made.Search(nil, query, 20, segment.AllBits(len(vectors)), []uint32{3, 7}, 200)
		must(t, made.file.mapping.Close())
	})
}
