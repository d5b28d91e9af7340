//go:build unix

package proc

import (
	"io/fs"
	"syscall"
)

// inode is the ID of a cgroup.
func inode(d fs.DirEntry) (uint64, bool) {
	info, err := d.Info()
	if err != nil {
		return 0, false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return st.Ino, true
}
