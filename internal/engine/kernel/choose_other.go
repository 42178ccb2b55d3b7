//go:build !amd64 && !arm64

package kernel

// supported lists what this processor runs, slowest first.
func supported() []implementation { return []implementation{scalar} }
