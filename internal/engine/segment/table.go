package segment

import (
	"sort"
	"unsafe"
)

// table is a list of byte strings.
type table struct {
	ends []uint64 // where each ends in blob
	blob []byte
}

func (t *table) len() int  { return len(t.ends) }
func (t *table) size() int { return 8*len(t.ends) + len(t.blob) }

func (t *table) add(s string) {
	t.blob = append(t.blob, s...)
	t.ends = append(t.ends, uint64(len(t.blob)))
}

// get returns string i, which shares memory with the table.
func (t *table) get(i int) string {
	from, to := t.bounds(i)
	b := t.blob[from:to]
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// bounds returns where string i begins and ends in blob.
func (t *table) bounds(i int) (from, to uint64) {
	if i > 0 {
		from = t.ends[i-1]
	}
	return from, t.ends[i]
}

// find looks s up in an ascending table; i is where it is or would stand.
func (t *table) find(s string) (i int, ok bool) {
	i = sort.Search(len(t.ends), func(i int) bool { return t.get(i) >= s })
	return i, i < len(t.ends) && t.get(i) == s
}

// uvarint reads what binary.AppendUvarint wrote. A string that ends inside a
// number yields what there was.
func uvarint(s string) (v uint64, n int) {
	for shift := 0; n < len(s); shift += 7 {
		b := s[n]
		n++
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			break
		}
	}
	return v, n
}
