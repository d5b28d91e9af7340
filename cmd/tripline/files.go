package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"tripline/enforce/export"
)

// writeFile writes beside and renames, so that a failure leaves the old file.
func writeFile(path string, text []byte) error {
	beside, err := writeBeside(path, text)
	if err != nil {
		return err
	}
	return moveInto(path, beside)
}

// replaceFiles writes all files beside their places before it renames the
// first: a full disk leaves all the old ones, not some of both.
func replaceFiles(dir string, files []export.File) (err error) {
	beside := make([]string, len(files))
	defer func() {
		for _, name := range beside {
			if err != nil && name != "" {
				_ = os.Remove(name) // gone where it was renamed already
			}
		}
	}()
	for i, f := range files {
		if f.Text == nil {
			continue
		}
		if beside[i], err = writeBeside(filepath.Join(dir, f.Name), f.Text); err != nil {
			return err
		}
	}
	for i, f := range files {
		if err = moveInto(filepath.Join(dir, f.Name), beside[i]); err != nil {
			return err
		}
	}
	return nil
}

// moveInto puts what was written beside path into place. If that is nothing,
// path is removed.
func moveInto(path, beside string) error {
	if beside == "" {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove the old file: %w", err)
		}
		return nil
	}
	if err := os.Rename(beside, path); err != nil {
		_ = os.Remove(beside) // the first error is the one to tell
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// writeBeside writes text to a file of another name in the directory of path.
func writeBeside(path string, text []byte) (name string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	if _, err = f.Write(text); err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first error is the one to tell
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	return f.Name(), nil
}

// beginnings returns how the files in dir whose names end in suffix begin. A
// directory that is not there has none.
func beginnings(dir, suffix string) ([]export.File, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) { // who writes there will say it
		return nil, nil
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // names the directory
	}
	var out []export.File
	for _, e := range entries {
		if !e.Type().IsRegular() || !strings.HasSuffix(e.Name(), suffix) {
			continue
		}
		text, err := beginning(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		out = append(out, export.File{Name: e.Name(), Text: text})
	}
	return out, nil
}

func beginning(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err //nolint:wrapcheck // names the file
	}
	defer f.Close()                             //nolint:errcheck // it was only read
	return io.ReadAll(io.LimitReader(f, 1<<10)) //nolint:wrapcheck // names the file
}
