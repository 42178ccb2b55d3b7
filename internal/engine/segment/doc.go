// Package segment is the immutable part of an index: some documents of one
// collection with their rows (chunks), and every structure that answers
// queries over them: term dictionary and posting lists, typed attribute
// columns, access lists, vectors and their 1-bit codes.
//
// A Segment is arrays over two ordinals. Documents are numbered by ascending
// id; rows by document, then by the chunk's ordinal: so the order of rows is
// the order of chunk keys. Build makes a segment of new documents and of what
// is still live in old ones; nothing changes it afterwards. Which documents
// are live is kept outside.
package segment
