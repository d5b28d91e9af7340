package main

import (
	"context"
	"path/filepath"
)

var diskCheck = check{name: "disk", short: "there is room for the database and the alias files", look: lookDisk}

const (
	diskFull = 64 << 20 // bytes: one commit and a set of alias files need less
	diskLow  = 512 << 20
)

func lookDisk(_ context.Context, d *doctor) error {
	dirs := []string{filepath.Dir(d.a.path())}
	if d.out != "" && filepath.Clean(d.out) != dirs[0] {
		dirs = append(dirs, d.out)
	}
	for _, dir := range dirs {
		d.lookRoom(dir)
	}
	return nil
}

// lookRoom notes how much room there is where a directory is.
func (d *doctor) lookRoom(dir string) {
	free, of, err := room(dir)
	do := "df -h " + quotedPath(dir) + "; tripline prune --keep 90d drops what was seen long ago"
	switch {
	case err != nil:
		d.failed(dir, err)
	case free < diskFull:
		d.fail(dir, do, "%s free: nothing more can be kept soon", size(free))
	case free < diskLow || free < of/50:
		d.warn(dir, do, "%s free of %s", size(free), size(of))
	default:
		d.ok(dir, "%s free of %s", size(free), size(of))
	}
}
