package enginebench

import (
	"time"

	"golang.org/x/sys/unix"
)

// sleepUntil returns at a moment, to some 0.1 ms: the runtime's own timers are
// as late as 1 ms.
func sleepUntil(moment time.Time) {
	for left := time.Until(moment); left > 0; left = time.Until(moment) {
		t := unix.NsecToTimespec(left.Nanoseconds())
		_ = unix.Nanosleep(&t, nil) // interrupted: sleeps on
	}
}
