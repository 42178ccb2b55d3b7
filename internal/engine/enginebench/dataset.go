package enginebench

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unsafe"
)

// Neighbors is how many nearest rows the exact answers hold.
const Neighbors = 10

// Filter is a filter that a data set's rows pass or not.
type Filter struct {
	Name  string
	Share float64 // of the rows that pass it
	// Correlated filters pass rows that lie together, the others random ones.
	Correlated bool
}

// Filters are those of every data set, in the order of the bits.
var Filters = []Filter{
	{"random 50 %", 0.5, false}, {"random 10 %", 0.1, false}, {"random 1 %", 0.01, false}, {"random 0.1 %", 0.001, false},
	{"correlated 50 %", 0.5, true}, {"correlated 10 %", 0.1, true}, {"correlated 1 %", 0.01, true}, {"correlated 0.1 %", 0.001, true},
}

// Matrix is rows of Dim floats each.
type Matrix struct {
	Dim  int
	Data []float32
}

// Rows returns how many rows there are.
func (m Matrix) Rows() int { return len(m.Data) / m.Dim }

// Row returns one row.
func (m Matrix) Row(i int) []float32 { return m.Data[i*m.Dim : (i+1)*m.Dim : (i+1)*m.Dim] }

// Dataset is a data set in memory.
type Dataset struct {
	Base, Queries Matrix
	Masks         []uint16 // [rows]
	Truth         []int32  // [1+Filters][queries][Neighbors]
}

// Nearest returns the nearest rows of a query: filter -1 for none.
func (d *Dataset) Nearest(filter, query int) []int32 {
	at := ((filter+1)*d.Queries.Rows() + query) * Neighbors
	list := d.Truth[at : at+Neighbors]
	for n, row := range list {
		if row < 0 {
			return list[:n]
		}
	}
	return list
}

const (
	baseFile    = "base.fbin"
	queriesFile = "queries.fbin"
	filtersFile = "filters.u16"
	truthFile   = "truth.ibin"
)

// Write writes the data set's files into a folder.
func (d *Dataset) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return errors.Join(
		d.Base.write(filepath.Join(dir, baseFile)),
		d.Queries.write(filepath.Join(dir, queriesFile)),
		os.WriteFile(filepath.Join(dir, filtersFile), asBytes(d.Masks), 0o644),
		os.WriteFile(filepath.Join(dir, truthFile), asBytes(d.Truth), 0o644),
	)
}

func (m Matrix) write(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	_, err = w.Write(asBytes([]uint32{uint32(m.Rows()), uint32(m.Dim)}))
	if err == nil {
		_, err = w.Write(asBytes(m.Data))
	}
	return errors.Join(err, w.Flush(), f.Close())
}

// Read reads a data set from its folder.
func Read(dir string) (*Dataset, error) {
	d := &Dataset{}
	var err error
	if d.Base, err = readMatrix(filepath.Join(dir, baseFile)); err != nil {
		return nil, err
	}
	if d.Queries, err = readMatrix(filepath.Join(dir, queriesFile)); err != nil {
		return nil, err
	}
	if d.Masks, err = readList[uint16](filepath.Join(dir, filtersFile), d.Base.Rows()); err != nil {
		return nil, err
	}
	d.Truth, err = readList[int32](filepath.Join(dir, truthFile), (1+len(Filters))*d.Queries.Rows()*Neighbors)
	return d, err
}

func readMatrix(path string) (Matrix, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Matrix{}, err
	}
	if len(b) < 8 {
		return Matrix{}, fmt.Errorf("%s: it ends within its head", path)
	}
	rows, dim := int(binary.LittleEndian.Uint32(b)), int(binary.LittleEndian.Uint32(b[4:]))
	if dim == 0 || len(b)-8 != 4*rows*dim {
		return Matrix{}, fmt.Errorf("%s: %d rows of %d floats are not %d bytes", path, rows, dim, len(b)-8)
	}
	return Matrix{Dim: dim, Data: unsafe.Slice((*float32)(unsafe.Pointer(&b[8])), rows*dim)}, nil
}

func readList[T uint16 | int32](path string, n int) ([]T, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var item T
	if len(b) != n*int(unsafe.Sizeof(item)) {
		return nil, fmt.Errorf("%s: %d bytes are not %d numbers", path, len(b), n)
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&b[0])), n), nil
}

// asBytes returns a list's memory: the files are in the order of bytes of the
// machines that have our kernels.
func asBytes[T uint16 | int32 | uint32 | float32](list []T) []byte {
	if len(list) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&list[0])), len(list)*int(unsafe.Sizeof(list[0])))
}
