//go:build !linux

package enginebench

import "time"

// sleepUntil returns at a moment, or some milliseconds later.
func sleepUntil(moment time.Time) { time.Sleep(time.Until(moment)) }
