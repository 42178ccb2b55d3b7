package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync/atomic"
	"unsafe"
)

// The container: named sections with a checksum for each block of the file.
// docs/formats/segment.md draws it.
const (
	fileMagic   = "QUARRYSG"
	fileVersion = 1
	blockSize   = 64 << 10
	alignment   = 64
	headerSize  = 64
	trailerSize = 32
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// DamageError says what of a segment file is not as it was written.
type DamageError struct{ What string }

func (e *DamageError) Error() string { return "damaged segment: " + e.What }

func damaged(format string, args ...any) error { return &DamageError{fmt.Sprintf(format, args...)} }

// errBigEndian: arrays are used where they lie in the file.
var errBigEndian = errors.New("segment files need a little-endian processor")

// fileWriter writes a container to w.
type fileWriter struct {
	w        io.Writer
	err      error
	offset   uint64
	checks   []uint32 // of whole blocks
	crc      uint32   // of the block begun
	sections []section
}

type section struct {
	name           string
	offset, length uint64
}

func newFileWriter(w io.Writer) *fileWriter {
	f := &fileWriter{w: w}
	header := make([]byte, headerSize)
	copy(header, fileMagic)
	binary.LittleEndian.PutUint32(header[8:], fileVersion)
	binary.LittleEndian.PutUint32(header[12:], blockSize)
	f.write(header)
	return f
}

// write appends bytes and takes their checksums.
func (f *fileWriter) write(b []byte) {
	for len(b) > 0 && f.err == nil {
		n := min(len(b), int(blockSize-f.offset%blockSize))
		f.crc = crc32.Update(f.crc, castagnoli, b[:n])
		_, f.err = f.w.Write(b[:n])
		f.offset += uint64(n)
		b = b[n:]
		if f.offset%blockSize == 0 {
			f.checks = append(f.checks, f.crc)
			f.crc = 0
		}
	}
}

func (f *fileWriter) section(name string, b []byte) {
	f.align()
	f.sections = append(f.sections, section{name, f.offset, uint64(len(b))})
	f.write(b)
}

func (f *fileWriter) align() { f.write(make([]byte, -f.offset%alignment)) }

// finish writes the directory and the trailer, and returns the directory's
// checksum, which stands for the whole content.
func (f *fileWriter) finish() (check uint32, err error) {
	f.align()
	end := f.offset
	checks := f.checks
	if end%blockSize != 0 {
		checks = append(checks, f.crc)
	}
	dir := binary.LittleEndian.AppendUint32(nil, uint32(len(f.sections)))
	for _, s := range f.sections {
		dir = binary.LittleEndian.AppendUint16(dir, uint16(len(s.name)))
		dir = append(dir, s.name...)
		dir = binary.LittleEndian.AppendUint64(dir, s.offset)
		dir = binary.LittleEndian.AppendUint64(dir, s.length)
	}
	for _, c := range checks {
		dir = binary.LittleEndian.AppendUint32(dir, c)
	}
	check = crc32.Checksum(dir, castagnoli)
	trailer := binary.LittleEndian.AppendUint64(nil, end)
	trailer = binary.LittleEndian.AppendUint64(trailer, uint64(len(dir)))
	trailer = binary.LittleEndian.AppendUint32(trailer, check)
	trailer = binary.LittleEndian.AppendUint32(trailer, crc32.Checksum(trailer, castagnoli))
	f.write(append(append(dir, trailer...), fileMagic...))
	return check, f.err
}

// file is a container being read.
type file struct {
	bytes    []byte // all before the directory
	sections map[string][]byte
	checks   []uint32
	check    uint32          // of the directory
	verified []atomic.Uint32 // blocks that were found whole: a bit each
}

// openFile reads the directory; blocks are verified by who uses them.
func openFile(b []byte) (*file, error) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return nil, errBigEndian
	}
	if len(b) < headerSize+trailerSize || string(b[:8]) != fileMagic || string(b[len(b)-8:]) != fileMagic {
		return nil, damaged("it is cut short, or no segment")
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v != fileVersion {
		return nil, fmt.Errorf("segment version %d is not known", v)
	}
	trailer := b[len(b)-trailerSize:]
	if crc32.Checksum(trailer[:20], castagnoli) != binary.LittleEndian.Uint32(trailer[20:]) {
		return nil, damaged("trailer")
	}
	end, length := binary.LittleEndian.Uint64(trailer), binary.LittleEndian.Uint64(trailer[8:])
	rest := uint64(len(b) - trailerSize)
	if end > rest || length != rest-end {
		return nil, damaged("length")
	}
	f := &file{bytes: b[:end], check: binary.LittleEndian.Uint32(trailer[16:])}
	dir := b[end:rest]
	if crc32.Checksum(dir, castagnoli) != f.check {
		return nil, damaged("directory")
	}
	return f, f.readDirectory(dir)
}

func (f *file) readDirectory(dir []byte) error {
	blocks := (len(f.bytes) + blockSize - 1) / blockSize
	f.sections = map[string][]byte{}
	f.checks = make([]uint32, blocks)
	f.verified = make([]atomic.Uint32, (blocks+31)/32)
	if len(dir) < 4 {
		return damaged("directory")
	}
	n := binary.LittleEndian.Uint32(dir)
	dir = dir[4:]
	for range n {
		if len(dir) < 2 {
			return damaged("directory")
		}
		name := int(binary.LittleEndian.Uint16(dir))
		if len(dir) < 2+name+16 {
			return damaged("directory")
		}
		key, at := string(dir[2:2+name]), dir[2+name:]
		offset, length := binary.LittleEndian.Uint64(at), binary.LittleEndian.Uint64(at[8:])
		if size := uint64(len(f.bytes)); offset%alignment != 0 || offset > size || length > size-offset {
			return damaged("section %s lies outside", key)
		}
		f.sections[key] = f.bytes[offset : offset+length : offset+length]
		dir = dir[2+name+16:]
	}
	if len(dir) != 4*blocks {
		return damaged("directory")
	}
	for i := range f.checks {
		f.checks[i] = binary.LittleEndian.Uint32(dir[4*i:])
	}
	return nil
}

// verify compares one block with its checksum, unless it was found whole
// before.
func (f *file) verify(block int) error {
	word, bit := &f.verified[block/32], uint32(1)<<(block%32)
	if word.Load()&bit != 0 {
		return nil
	}
	if err := f.reverify(block); err != nil {
		return err
	}
	word.Or(bit)
	return nil
}

// verifySection verifies the blocks of a section.
func (f *file) verifySection(name string) error {
	s := f.sections[name]
	if len(s) == 0 {
		return nil
	}
	at := f.offsetOf(s)
	for block := at / blockSize; block <= (at+len(s)-1)/blockSize; block++ {
		if err := f.verify(block); err != nil {
			return err
		}
	}
	return nil
}

func (f *file) reverify(block int) error {
	from := block * blockSize
	b := f.bytes[from:min(from+blockSize, len(f.bytes))]
	if crc32.Checksum(b, castagnoli) != f.checks[block] {
		return damaged("block %d, bytes %d to %d%s", block, from, from+len(b), f.sectionsAt(from, from+len(b)))
	}
	return nil
}

// sectionsAt names the sections that share bytes with a range.
func (f *file) sectionsAt(from, to int) string {
	names := ""
	for name, s := range f.sections {
		if len(s) == 0 {
			continue
		}
		if at := f.offsetOf(s); at < to && at+len(s) > from {
			names += ", in " + name
		}
	}
	return names
}

// offsetOf is where a non-empty section stands in the file.
func (f *file) offsetOf(s []byte) int {
	return int(uintptr(unsafe.Pointer(&s[0])) - uintptr(unsafe.Pointer(&f.bytes[0])))
}

// number is what arrays in a file are made of.
type number interface {
	~uint8 | ~uint32 | ~uint64 | ~float32
}

// bytesOf and numbersOf see an array as bytes and back, where it lies.
func bytesOf[T number](s []T) []byte {
	if len(s) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&s[0])), len(s)*int(unsafe.Sizeof(s[0])))
}

func numbersOf[T number](b []byte) []T {
	var zero T
	n := len(b) / int(unsafe.Sizeof(zero))
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&b[0])), n)
}
