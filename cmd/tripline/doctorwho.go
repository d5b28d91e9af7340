package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"tripline/learn"
)

// cause is an error about a file without its name, which stands beside it.
func cause(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}

// permitted says who may do what this user may not.
func permitted(err error, path string) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return learn.WithHint(fmt.Errorf("%s may not open it: %w", thisUser(), cause(err)), "%s", allowing(path))
}

// allowing says whose group lets this user read a file, or as whom to run.
func allowing(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return "sudo ls -ld " + quotedPath(path) + " " + quotedPath(filepath.Dir(path))
	}
	_, group := ids(info)
	if info.Mode().Perm()&0o040 != 0 && group != 0 {
		return "sudo usermod -aG " + groupName(group) + " " + quotedPath(thisUser()) + ", then log in again"
	}
	return "run it as " + holderOf(path)
}

// holderOf names the owner of a file.
func holderOf(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return "its owner"
	}
	owner, _ := ids(info)
	if u, err := user.LookupId(strconv.Itoa(owner)); err == nil {
		return u.Username
	}
	return "user " + strconv.Itoa(owner)
}

func groupName(id int) string {
	if g, err := user.LookupGroupId(strconv.Itoa(id)); err == nil {
		return g.Name
	}
	return strconv.Itoa(id)
}

// thisUser names who runs this.
func thisUser() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return strconv.Itoa(os.Geteuid())
}
