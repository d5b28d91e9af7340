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
			p, err := match(m.path, c)
			if p != nil {
				return p, nil
			}
			if err != nil {
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
	p, _ := match(c.File, c)
	return p
}

// match opens a file at the place of a cursor. It is nil if it is another file,
// and an error only if nobody can know.
func match(path string, c Cursor) (*piece, error) {
	p, err := openPiece(path)
	if err != nil && !errors.Is(err, fs.ErrPermission) {
		err = nil // it went away during the search
	}
	if p == nil {
		return nil, err
	}
	if p.seek(c) {
		return p, nil
	}
	return nil, p.shut()
}
