package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"tripline/store"
)

var databaseCheck = check{name: "database", short: "the database can be opened and written, and only by those who should", look: lookDatabase}

func lookDatabase(_ context.Context, d *doctor) error {
	path := d.a.path()
	err := d.a.read(func(*store.Store) error { return nil })
	if errors.Is(err, store.ErrLocked) {
		d.warn(path, "tripline doctor, once that command is done", "%v", err)
		return nil
	}
	if err != nil {
		d.failed(path, permitted(err, path))
		return nil
	}
	d.private(path)
	d.writable(path)
	return nil
}

// private notes who else can read or write what is kept.
func (d *doctor) private(path string) {
	info, err := os.Stat(path)
	if err != nil {
		d.failed(path, err)
		return
	}
	switch mode := info.Mode().Perm(); {
	case mode&0o022 != 0:
		d.fail(path, "chmod go-w "+quotedPath(path), "others than its owner can write it (mode %#o), and so approve baselines", mode)
	case mode&0o004 != 0:
		d.warn(path, "chmod o-r "+quotedPath(path), "anybody on this machine can read what agents talk to (mode %#o)", mode)
	default:
		d.ok(path, "opened; only its owner can write it (mode %#o)", mode)
	}
}

// writable notes whether this user could keep anything.
func (d *doctor) writable(path string) {
	dir := filepath.Dir(path)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		d.fail(path, "run learn and enforce as its owner: "+holderOf(path), "this user can read it and not write it: %v", cause(err))
		return
	}
	_ = f.Close() // nothing was written
	if err := enterable(dir); err != nil {
		d.fail(dir, "chown "+quotedPath(thisUser())+" "+quotedPath(dir), "the directory of the database cannot be written: %v", cause(err))
		return
	}
	d.ok(dir, "this user can write the database and beside it")
}
