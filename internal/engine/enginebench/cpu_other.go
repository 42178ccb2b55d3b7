//go:build !unix

package enginebench

import "time"

var began = time.Now()

// cpuTime is the time by the clock, where the system does not tell what the
// process computed.
func cpuTime() time.Duration { return time.Since(began) }
