//go:build !unix

package proc

import "io/fs"

func inode(fs.DirEntry) (uint64, bool) { return 0, false }
