//go:build !unix

package model

import "os"

// readFile reads a model file into memory.
func readFile(path string) ([]byte, error) { return os.ReadFile(path) }
