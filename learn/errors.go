package learn

import (
	"errors"
	"fmt"
)

// A HintedError is an error with something to do about it, if possible a
// command to paste. The program prints the hint on a line of its own.
type HintedError struct {
	Err  error
	Hint string
}

// Error returns the text of the error alone.
func (e *HintedError) Error() string { return e.Err.Error() }

// Unwrap returns the error without its hint.
func (e *HintedError) Unwrap() error { return e.Err }

// WithHint attaches a hint where a mistake is understood. A nil error stays nil.
func WithHint(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &HintedError{Err: err, Hint: fmt.Sprintf(format, args...)}
}

// HintOf returns the hint nearest to the surface, "" if there is none.
func HintOf(err error) string {
	if h, ok := errors.AsType[*HintedError](err); ok {
		return h.Hint
	}
	return ""
}
