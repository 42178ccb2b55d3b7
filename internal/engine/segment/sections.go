package segment

import "io"

// Section is a named array of bytes of a file that stands beside a segment.
type Section struct {
	Name  string
	Bytes []byte
}

// WriteSections writes a file in the container of segments, and returns a
// checksum that stands for its whole content.
func WriteSections(w io.Writer, sections []Section) (check uint32, err error) {
	f := newFileWriter(w)
	for _, s := range sections {
		f.section(s.Name, s.Bytes)
	}
	return f.finish()
}

// OpenSections reads such a file, all of it verified. The sections share
// memory with b, and start at multiples of 8 if b does.
func OpenSections(b []byte) (sections map[string][]byte, check uint32, err error) {
	f, err := openFile(b)
	if err != nil {
		return nil, 0, err
	}
	for block := range f.checks {
		if err := f.verify(block); err != nil {
			return nil, 0, err
		}
	}
	return f.sections, f.check, nil
}

// Bytes and Uint32s see an array as bytes and back, where it lies.
func Bytes(s []uint32) []byte   { return bytesOf(s) }
func Uint32s(b []byte) []uint32 { return numbersOf[uint32](b) }
