package lines

import (
	"errors"
	"io/fs"
	"os"
	"time"
)

// find opens the file in which a cursor was taken and goes to its place. It is
// nil if there is none. Files are tried in the order of likelihood: the same
// inode; then, oldest first, what was written since; then the rest, for clocks
// and tools that do not keep times.
//
// A file that may not be read could be the one: then the search has no answer.
// Neither has it if names were shifted meanwhile: errStale asks for a new list.
func find(list []member, c Cursor) (*piece, error) {
	var denied error
	tried := make([]bool, len(list))
	since := c.Time.Truncate(time.Second) // bzip2 keeps no fractions
	likely := []func(member) bool{
		func(m member) bool { return c.Inode != 0 && inode(m.info) == c.Inode },
		func(m member) bool { return !m.info.ModTime().Before(since) },
		func(member) bool { return true },
	}
	for _, is := range likely {
		for i, m := range list {
			if tried[i] || !is(m) {
				continue
			}
			tried[i] = true
			p, err := match(m, c)
			if p != nil {
				return p, nil
			}
			if err != nil && !errors.Is(denied, errStale) {
				denied = err
			}
		}
	}
	if p := elsewhere(list, c); p != nil {
		return p, nil
	}
	return nil, denied
}

// elsewhere looks where the cursor was taken, if that is outside the family: a
// link may have been turned to another place.
func elsewhere(list []member, c Cursor) *piece {
	info, err := os.Stat(c.File)
	if err != nil || !info.Mode().IsRegular() || index(list, info) >= 0 {
		return nil
	}
	p, _ := match(member{path: c.File, info: info}, c)
	return p
}

// errStale says that a file was renamed since it was listed.
var errStale = errors.New("the files were renamed")

// match opens a file at the place of a cursor. It is nil if the cursor was not
// taken there, and an error if nobody can know.
func match(m member, c Cursor) (*piece, error) {
	p, err := openPiece(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errStale
	}
	if err != nil {
		return nil, err
	}
	if !os.SameFile(p.info, m.info) {
		err = errStale
	} else if p.seek(c) {
		return p, nil
	}
	_ = p.shut() // it was only read
	return nil, err
}
