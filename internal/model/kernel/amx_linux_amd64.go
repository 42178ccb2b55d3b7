package kernel

import "syscall"

// allowAMX asks the kernel for permission to use tiles, which it gives to a
// process at its first request (Linux 5.16, Documentation/arch/x86/xstate.rst).
func allowAMX() bool {
	const requestPermission, tileData = 0x1023, 18
	_, _, errno := syscall.RawSyscall(syscall.SYS_ARCH_PRCTL, requestPermission, tileData, 0)
	return errno == 0
}
