package lines

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"

	"tripline/ipranges"
	"tripline/learn"
)

// A TooLongError reports a line that was left out. Reading goes on behind it.
type TooLongError struct {
	File string
	Line int // counted from 1
	Max  int // bytes allowed
}

// Error returns the place and the limit.
func (e *TooLongError) Error() string {
	return "read " + e.File + ": line " + strconv.Itoa(e.Line) +
		" is longer than " + count(int64(e.Max)) + " bytes"
}

// A DamagedError reports compressed data that cannot be read to its end. The
// lines before the damage were delivered; reading goes on with the next file.
type DamagedError struct {
	File   string
	Format string // "gzip"
	Lines  int64  // complete lines before the damage
	Offset int64  // bytes of text before it
	Err    error
}

// Error returns the place and what is wrong there.
func (e *DamagedError) Error() string {
	what := "data is damaged (" + e.Err.Error() + ")"
	if errors.Is(e.Err, io.ErrUnexpectedEOF) {
		what = "data ends in the middle"
	}
	return fmt.Sprintf("read %s: %s %s after %s lines (byte %s)",
		e.File, e.Format, what, count(e.Lines), count(e.Offset))
}

// Unwrap returns what the decompressor said.
func (e *DamagedError) Unwrap() error { return e.Err }

func count(n int64) string { return ipranges.Thousands(uint64(max(n, 0))) }

// ReadError says which file could not be read, without repeating its name.
func ReadError(name string, err error) error {
	cause := err
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		cause = pe.Err
	}
	wrapped := fmt.Errorf("read %s: %w", name, cause)
	if errors.Is(err, fs.ErrPermission) {
		return learn.WithHint(wrapped, "run tripline as a user who may read %s", name)
	}
	return wrapped
}
