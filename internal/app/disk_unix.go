//go:build linux || darwin || freebsd

package app

import "golang.org/x/sys/unix"

// disk returns free and whole size of the volume that holds dir; nil where the
// system does not tell.
func disk(dir string) (free, size map[string]int64) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return nil, nil
	}
	block := int64(s.Bsize)
	return map[string]int64{"data": int64(s.Bavail) * block}, map[string]int64{"data": int64(s.Blocks) * block}
}
