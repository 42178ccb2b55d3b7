//go:build !unix

package measure

import "time"

// cpuTime is not known here: figures per CPU-second are left out.
func cpuTime() time.Duration { return 0 }
