//go:build unix

package folder

import "syscall"

// openFlags keep the opening of a pipe without a writer from blocking.
const openFlags = syscall.O_NONBLOCK
