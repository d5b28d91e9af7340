package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"tripline/enforce"
	"tripline/learn"
)

// A pidfile says which process watches, for rc scripts and for a kill -HUP.
type pidfile struct{ path string }

func newPidfile(w *watching) (part, error) {
	path := w.o.service.PIDFile
	if path == "" || !w.o.follow {
		return nil, nil //nolint:nilnil // nobody asked for it
	}
	if pid, ok := running(path); ok {
		return nil, learn.WithHint(fmt.Errorf("%s: process %d is there and runs", path, pid), "stop it first: kill %d", pid)
	}
	if err := writePID(path); err != nil {
		return nil, learn.WithHint(fmt.Errorf("write pid file: %w", err), "the directory must exist and be writable for who runs tripline")
	}
	return &pidfile{path}, nil
}

// running returns the process that a pid file names, if it is another one and runs.
func running(path string) (pid int, ok bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	pid, err = strconv.Atoi(string(bytes.TrimSpace(text)))
	if err != nil || pid <= 0 || pid == os.Getpid() {
		return 0, false
	}
	err = syscall.Kill(pid, 0)
	return pid, err == nil || errors.Is(err, syscall.EPERM)
}

// writePID writes beside and renames, so that nobody reads half a number.
func writePID(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%d\n", os.Getpid())
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func (p *pidfile) flow(*learn.Flow, enforce.Verdict) error   { return nil }
func (p *pidfile) tick(_ context.Context, _ time.Time) error { return nil }

// close removes it, unless another process has replaced it.
func (p *pidfile) close() error {
	if _, other := running(p.path); other {
		return nil
	}
	if err := os.Remove(p.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove pid file: %w", err)
	}
	return nil
}
