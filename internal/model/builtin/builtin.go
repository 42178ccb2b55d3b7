// Package builtin holds the bytes of the model that comes with the program.
// README.md beside it says what it is, where it is from and how to make it
// again. It must not know how the bytes are read.
package builtin

import (
	_ "embed"
	"unsafe"
)

// Origin says where the published model is from.
const Origin = "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2"

//go:embed all-MiniLM-L6-v2.qmodel
var file string

// Bytes returns the converted model. They must not be changed: they lie in
// read-only memory.
func Bytes() []byte { return unsafe.Slice(unsafe.StringData(file), len(file)) }
