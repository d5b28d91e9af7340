package main

import (
	"fmt"
	"io/fs"
	"syscall"
)

// ids returns the owner and the group of a file.
func ids(info fs.FileInfo) (owner, group int) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid), int(st.Gid)
	}
	return 0, 0
}

// enterable says why no file can be made in a directory, without making one.
func enterable(dir string) error {
	const write, search = 0x2, 0x1 // POSIX: W_OK and X_OK
	if err := syscall.Access(dir, write|search); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	return nil
}

// room returns how many bytes a user may still write where dir is, and how many
// there are in all.
func room(dir string) (free, of uint64, err error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, 0, fmt.Errorf("%s: %w", dir, err)
	}
	block := uint64(st.Bsize)
	return uint64(max(0, int64(st.Bavail))) * block, st.Blocks * block, nil
}

// size writes bytes for a person: "1.5 GiB".
func size(n uint64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"}
	v, i := float64(n), 0
	for ; v >= 1024 && i < len(units)-1; i++ {
		v /= 1024
	}
	if i == 0 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}
