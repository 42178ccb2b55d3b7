package httpapi

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// lineReader reads lines of limited length.
type lineReader struct {
	r     *bufio.Reader
	limit int
	line  int // number of the last line, from 1
}

func newLineReader(r io.Reader, limit int) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, 64<<10), limit: limit}
}

// next returns the next line that is not blank, and whether it was too long:
// then it was read to its end and dropped. io.EOF ends the lines.
func (l *lineReader) next() (line []byte, tooLong bool, err error) {
	for {
		line, tooLong, err = l.read()
		if err != nil || tooLong || len(bytes.TrimSpace(line)) > 0 {
			return line, tooLong, err
		}
	}
}

func (l *lineReader) read() (line []byte, tooLong bool, err error) {
	l.line++
	for {
		part, err := l.r.ReadSlice('\n')
		if len(line)+len(part) > l.limit+1 { // the newline does not count
			line, tooLong = nil, true
		}
		if !tooLong {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err == io.EOF && (len(line) > 0 || tooLong):
			return line, tooLong, nil
		default:
			return line, tooLong, err
		}
	}
}

// pending reports whether more can be read without waiting for the network.
func (l *lineReader) pending() bool { return l.r.Buffered() > 0 }
