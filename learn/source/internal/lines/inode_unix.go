//go:build unix

package lines

import (
	"io/fs"
	"syscall"
)

// inode returns the number of a file, 0 where the file system has none.
func inode(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Ino
	}
	return 0
}
