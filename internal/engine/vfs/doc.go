// Package vfs is the seam between the engine and the file system: one folder
// of flat names, with the few operations that durable publication needs.
//
// Dir is the real thing. Memory is a twin that forgets, tears and reorders
// what was not synced when it crashes, and fails where a test wants it to. The
// package knows nothing of what the files hold.
package vfs
