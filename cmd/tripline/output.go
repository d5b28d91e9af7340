package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/term"
)

// A sink is standard output. It keeps the first error, so that what prints need
// not look at each line: run fails if any was lost.
type sink struct {
	w   io.Writer
	err error
}

// Write implements [io.Writer]. After an error nothing more is written.
func (s *sink) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.w.Write(p)
	if err != nil {
		if path, ok := errors.AsType[*fs.PathError](err); ok {
			err = path.Err // the name is in our words
		}
		s.err = fmt.Errorf("write to standard output: %w", err)
	}
	return n, s.err
}

// terminal says whether w is one.
func terminal(w io.Writer) bool {
	f, ok := file(w)
	return ok && term.IsTerminal(int(f.Fd()))
}

// width returns how many columns w has; 0 if it is no terminal.
func width(w io.Writer) int {
	f, ok := file(w)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

func file(w io.Writer) (*os.File, bool) {
	if s, ok := w.(*sink); ok {
		w = s.w
	}
	f, ok := w.(*os.File)
	return f, ok
}

// colored says whether output to w is coloured: --color, FORCE_COLOR, NO_COLOR
// and TERM=dumb, then whether it is a terminal.
func (a *app) colored(w io.Writer) bool {
	switch {
	case a.color != "auto":
		return a.color == "always"
	case os.Getenv("FORCE_COLOR") != "":
		return true
	case os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb":
		return false
	}
	return terminal(w)
}
