package source

import (
	"errors"
	"os"
)

// How many records say what wrote a file, and among how many lines of others.
const (
	enoughToGuess = 64
	mostToGuess   = 1024
)

// Guess returns the source that understands the beginning of a file best, if one
// understands most of it.
func Guess(path string) (name string, ok bool) {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return "", false
	}
	best := 0
	for _, s := range All {
		if s.Live != nil && s.Lines == nil || s.Name == captureName {
			continue
		}
		if read, all := understood(s, path); read > best && 2*read > all {
			name, best = s.Name, read
		}
	}
	return name, best > 0
}

// understood is how many of the first records of a file a source can read, of all that
// may be its own.
func understood(s Source, path string) (read, all int) {
	st, err := Open(s, path, nil, StreamOptions{Whole: true})
	if err != nil {
		return 0, 0
	}
	defer st.Close() //nolint:errcheck // it was only read
	var r Record
	for n := 0; n < mostToGuess && all < enoughToGuess; n++ {
		err := st.Next(&r)
		bad, ok := errors.AsType[*RecordError](err)
		switch {
		case err == nil:
			read, all = read+1, all+1
		case !ok:
			return read, all
		case bad.Cause != OtherProgram:
			all++
		}
	}
	return read, all
}
