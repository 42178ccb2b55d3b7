//go:build !linux

package kernel

func allowAMX() bool { return false }
