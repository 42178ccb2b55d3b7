package segment

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/quarry-search/quarry/internal/filter"
)

var update = flag.Bool("update", false, "write testdata anew")

var sameArrays = cmp.Options{
	cmp.AllowUnexported(Segment{}, table{}, column{}, Column{}), cmpopts.IgnoreFields(Column{}, "places"), cmpopts.EquateEmpty(),
	cmpopts.IgnoreFields(Segment{}, "waiting", "file", "readiness"),
}

// alignedCopy puts bytes where a mapping would: at a multiple of 8.
func alignedCopy(b []byte) []byte {
	words := make([]uint64, len(b)/8+1)
	out := bytesOf(words)[:len(b)]
	copy(out, b)
	return out
}

func written(t testing.TB, s *Segment) []byte {
	var b bytes.Buffer
	check, err := s.Write(&b)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Open(alignedCopy(b.Bytes())); err != nil || again.Check() != check {
		t.Fatalf("checksum %x, error %v", check, err)
	}
	return alignedCopy(b.Bytes())
}

func TestFileGivesBackTheSegment(t *testing.T) {
	for _, dim := range []int{0, 64, 70, 384} {
		for _, n := range []int{0, 1, 200} {
			s := mustBuild(t, sample("d", n, dim), nil)
			got, err := Open(written(t, s))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(s, got, sameArrays); diff != "" {
				t.Errorf("dim %d, %d documents: %s", dim, n, diff)
			}
		}
	}
}

// TestEveryFlippedBitIsFound flips a bit in every 64 bytes of a file, and one
// in each byte of its end.
func TestEveryFlippedBitIsFound(t *testing.T) {
	whole := written(t, mustBuild(t, sample("d", 60, 384), nil))
	for at := 0; at < len(whole); at++ {
		if at%61 != 0 && at < len(whole)-300 {
			continue
		}
		b := alignedCopy(whole)
		b[at] ^= 1 << (at % 8)
		s, err := Open(b)
		if err != nil {
			continue
		}
		var rows []uint32
		for row := range uint32(s.Rows()) {
			rows = append(rows, row)
		}
		if err := s.VerifyVectors(rows); err == nil {
			t.Fatalf("bit at byte %d of %d: no error", at, len(whole))
		}
		if damage := s.Verify(); len(damage) != 1 || !strings.Contains(damage[0].Error(), vectorSection) {
			t.Fatalf("bit at byte %d: Verify says %v", at, damage)
		}
	}
}

func TestCutFilesAreRefused(t *testing.T) {
	whole := written(t, mustBuild(t, sample("d", 9, 64), nil))
	for n := 0; n < len(whole); n += 97 {
		var damage *DamageError
		if _, err := Open(alignedCopy(whole[:n])); !errors.As(err, &damage) {
			t.Fatalf("%d of %d bytes: error %v", n, len(whole), err)
		}
	}
}

// TestOldFiles opens one file of each version and searches what is in it.
func TestOldFiles(t *testing.T) {
	path := filepath.Join("testdata", "v1.seg")
	if *update {
		if err := os.WriteFile(path, written(t, mustBuild(t, sample("d", 20, 64), nil)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(alignedCopy(b))
	if err != nil {
		t.Fatal(err)
	}
	want := sample("d", 20, 64)
	slices.SortFunc(want, func(a, b Document) int { return strings.Compare(a.ID, b.ID) })
	for i := range want {
		if diff := cmp.Diff(want[i], s.Document(uint32(i)), equal); diff != "" {
			t.Errorf("document %d: %s", i, diff)
		}
	}
	if rows := s.Postings("w1").Rows; len(rows) == 0 {
		t.Error("a term is lost")
	}
	if n := s.Match(filter.Test(filter.Eq, "tags", filter.StringOf("t1"))).Count(); n != 4 {
		t.Errorf("%d documents with the tag, want 4", n)
	}
}

// FuzzOpen changes a file and mends its checksums: whatever it says, opening
// and reading it must not panic.
func FuzzOpen(f *testing.F) {
	whole := written(f, mustBuild(f, sample("d", 12, 64), nil))
	f.Add(uint32(100), uint32(5), []byte{1, 2, 3})
	f.Add(uint32(9000), uint32(40), []byte{0xff})
	f.Fuzz(func(t *testing.T, at, n uint32, change []byte) {
		b := alignedCopy(whole)
		body := len(b) - trailerSize - int(binary.LittleEndian.Uint64(b[len(b)-24:]))
		for i, c := range change {
			b[headerSize+(int(at)+i*int(n%977))%(len(b)-headerSize-trailerSize)] ^= c
		}
		mend(b, body)
		s, err := Open(b)
		if err != nil {
			return
		}
		for doc := range uint32(s.Docs()) {
			s.Document(doc)
			s.Find(s.DocID(doc))
		}
		for i := range s.terms.len() {
			s.Postings(s.terms.get(i)).Count(AllBits(s.Rows()))
		}
		for i := range s.forms.len() {
			rows := NewBits(s.Rows())
			s.AddFormRows(i, rows)
			s.KeepPhrase([]string{s.forms.get(i), "w1"}, rows)
		}
		s.FormsWithPrefix("w1")
		s.FormsNear("w12", 1, func(int) {})
		s.Match(filter.Test(filter.Gt, "n", filter.NumberOf(3)))
		s.Visible([]string{"a"})
		s.Waiting(Hash{})
		if _, err := Build(nil, []Part{{s, AllBits(s.Docs())}}); err != nil && !errors.Is(err, ErrDuplicate) {
			t.Fatal(err)
		}
	})
}

// mend gives a changed file true checksums again.
func mend(b []byte, body int) {
	dir := b[body : len(b)-trailerSize]
	blocks := (body + blockSize - 1) / blockSize
	for i := range blocks {
		at := len(dir) - 4*blocks + 4*i
		binary.LittleEndian.PutUint32(dir[at:], crc32.Checksum(b[i*blockSize:min((i+1)*blockSize, body)], castagnoli))
	}
	trailer := b[len(b)-trailerSize:]
	binary.LittleEndian.PutUint32(trailer[16:], crc32.Checksum(dir, castagnoli))
	binary.LittleEndian.PutUint32(trailer[20:], crc32.Checksum(trailer[:20], castagnoli))
}
