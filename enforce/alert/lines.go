package alert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"tripline/learn"
)

// fileKind is the kind of sink that appends records of one format to a file.
func fileKind(format *Format, short string) Kind {
	return Kind{
		Name: format.Name, Short: short,
		Keys: []Key{{Name: "file", Short: "FILE that records are appended to; - is standard output", Required: true}},
		Pace: Pace{Batch: 1000},
		Open: func(s *Settings) (Sink, error) {
			return &fileSink{format: *format, path: s.text("file", ""), stdout: s.stdout}, nil
		},
	}
}

// A fileSink appends to a file. It is opened for each message, so that whoever
// rotates it need not tell us.
type fileSink struct {
	format Format
	path   string
	stdout io.Writer
}

// Send implements [Sink].
func (f *fileSink) Send(_ context.Context, m *Message) (string, error) {
	text, err := f.format.lines(m)
	if err != nil {
		return "", err
	}
	if f.path == "-" {
		_, err := f.stdout.Write(text)
		return "written", err
	}
	return "written to " + f.path, f.add(text)
}

// add appends text and has it on disk. What a full disk let through in part is
// taken back: half a record would spoil the next one.
func (f *fileSink) add(text []byte) (err error) {
	w, err := os.OpenFile(f.path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o640) //nolint:gosec // a group of log readers may read it
	if errors.Is(err, os.ErrNotExist) {
		return learn.WithHint(err, "make its directory first")
	}
	if err != nil {
		return err //nolint:wrapcheck // it says the path
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	size, err := w.Seek(0, io.SeekEnd)
	if err != nil {
		size = -1 // a pipe, a terminal
	}
	if text, err = f.mended(w, size, text); err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		if size >= 0 {
			err = errors.Join(err, w.Truncate(size))
		}
		return fmt.Errorf("append: %w", err)
	}
	if err := w.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return fmt.Errorf("append: %w", err)
	}
	return nil
}

// mended begins a new line where a crash left half a record.
func (f *fileSink) mended(w *os.File, size int64, text []byte) ([]byte, error) {
	if size <= 0 {
		return text, nil
	}
	var last [1]byte
	if _, err := w.ReadAt(last[:], size-1); err != nil {
		return nil, fmt.Errorf("append: %w", err)
	}
	if last[0] != '\n' {
		text = append([]byte("\n"), text...)
	}
	return text, nil
}

// Close implements [Sink].
func (f *fileSink) Close() error { return nil }
