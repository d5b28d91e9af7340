package lines

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A member is one file of a log.
type member struct {
	path string
	info fs.FileInfo
	rank rank
}

// A rank orders the files of a log, oldest first.
type rank struct {
	class int    // dated, then numbered, then live
	date  string // of a dated file
	piece int    // numbered: minus the number, so that .0 is the newest
}

const (
	dated = iota
	numbered
	live
)

func (a rank) compare(b rank) int {
	return cmp.Or(cmp.Compare(a.class, b.class), strings.Compare(a.date, b.date), cmp.Compare(a.piece, b.piece))
}

var (
	// numberSuffix is what newsyslog and logrotate append: filter.log.0.
	numberSuffix = regexp.MustCompile(`^\.(\d{1,7})$`)
	// dateSuffix is what they append with dates: filter.log-20260102.
	dateSuffix = regexp.MustCompile(`^[.-](\d{8,}(?:[T_-]?\d+)*)$`)
	// dayName is how OPNsense names its files: filter_20260102.0001.log.
	dayName = regexp.MustCompile(`^(.*_)(\d{8})(?:\.(\d{1,9}))?(\.log)$`)

	// pastName is how a file is called that is not written any more.
	pastName = regexp.MustCompile(`[.-](\d{1,7}|\d{8,}([T_-]?\d+)*)$`)

	compressed = []string{".bz2", ".gz", ".xz", ".zst"}
)

// A family finds the files of a log.
type family struct {
	path   string
	single bool   // path is a file of the past: no other is read in its place
	target string // what path leads to, remembered while a link is replaced
	linked bool

	cached  []member
	dirTime time.Time
	at      time.Time
}

// list returns the files of the log that exist now, oldest first. It looks
// twice, because names are being shifted while a log is rotated.
func (f *family) list() ([]member, error) {
	f.resolve()
	if f.unchanged() {
		return f.cached, nil
	}
	last, err := f.scan()
	for try := 0; err == nil && try < 20; try++ {
		now, scanErr := f.scan()
		if scanErr == nil && same(last, now) {
			f.cached = now
			return now, nil
		}
		last, err = now, scanErr
	}
	return last, err
}

// unchanged says whether the directory is as it was when it was listed. A
// change within a second of the last look may not show in its time.
func (f *family) unchanged() bool {
	info, err := os.Stat(filepath.Dir(f.target))
	if err != nil {
		return false
	}
	calm := f.at.Sub(f.dirTime) > time.Second && info.ModTime().Equal(f.dirTime)
	if !calm {
		f.at, f.dirTime = time.Now(), info.ModTime()
	}
	return calm && f.cached != nil
}

// resolve follows links by hand: one that leads nowhere for a moment still
// says where the files are, and one that is being replaced where they were.
func (f *family) resolve() {
	at, linked := f.path, false
	for range 16 {
		to, err := os.Readlink(at)
		if errors.Is(err, fs.ErrNotExist) && !linked && f.linked {
			return
		}
		if err != nil {
			break
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(at), to)
		}
		at, linked = to, true
	}
	if at != f.target || linked != f.linked {
		f.target, f.linked, f.cached = at, linked, nil
	}
}

func (f *family) scan() ([]member, error) {
	dir := filepath.Dir(f.target)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, ReadError(dir, err)
	}
	var list []member
	for _, e := range entries {
		rank, ok := f.rank(e.Name())
		if !ok {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			list = append(list, member{path, info, rank})
		}
	}
	return inOrder(list), nil
}

// inOrder sorts, and leaves out the compressed twin of a file that is still
// there: it is being written. Plain names sort before compressed ones.
func inOrder(list []member) []member {
	slices.SortFunc(list, func(a, b member) int {
		return cmp.Or(a.rank.compare(b.rank), cmp.Compare(len(a.path), len(b.path)))
	})
	return slices.CompactFunc(list, func(a, b member) bool { return a.rank == b.rank })
}

// rank says where a file of this name stands in the log, if it is one of it.
func (f *family) rank(name string) (rank, bool) {
	base := filepath.Base(f.target)
	if name == base {
		return f.own(base), true
	}
	if f.single {
		return rank{class: live}, name == f.twin()
	}
	name = plain(name)
	if rest, ok := strings.CutPrefix(name, base); ok {
		return suffixed(rest)
	}
	return f.day(base, name)
}

// plain returns the name of a file before it was compressed.
func plain(name string) string {
	for _, ext := range compressed {
		name = strings.TrimSuffix(name, ext)
	}
	return name
}

// twin is the file of the past of which this one is being made: while it is
// there, it is what to read.
func (f *family) twin() string {
	base := filepath.Base(f.target)
	if name := plain(base); name != base && pastName.MatchString(name) {
		return name
	}
	return ""
}

// own is the rank of the file itself. Behind a link that changes daily, the
// newest day is the live file, even before the link is changed.
func (f *family) own(base string) rank {
	if f.linked {
		if r, ok := f.day(base, base); ok {
			return r
		}
	}
	return rank{class: live}
}

func suffixed(rest string) (rank, bool) {
	if m := numberSuffix.FindStringSubmatch(rest); m != nil {
		n, err := strconv.Atoi(m[1])
		return rank{class: numbered, piece: -n}, err == nil
	}
	if m := dateSuffix.FindStringSubmatch(rest); m != nil {
		return rank{class: dated, date: m[1]}, true
	}
	return rank{}, false
}

// day ranks daily files. Without a link only those of the same day belong
// together: who names one day wants that day.
func (f *family) day(base, name string) (rank, bool) {
	b, n := dayName.FindStringSubmatch(base), dayName.FindStringSubmatch(name)
	if b == nil || n == nil || b[1] != n[1] || !f.linked && b[2] != n[2] {
		return rank{}, false
	}
	piece := 1 << 30 // the file without a number is written last
	if n[3] != "" {
		var err error
		if piece, err = strconv.Atoi(n[3]); err != nil {
			return rank{}, false
		}
	}
	return rank{class: dated, date: n[2], piece: piece}, true
}

// same says whether two looks saw the same files, grown or not.
func same(a, b []member) bool {
	return slices.EqualFunc(a, b, func(x, y member) bool {
		return x.path == y.path && os.SameFile(x.info, y.info)
	})
}

// signature changes when a file that is not written any more appears, goes or
// changes: only then is it worth searching again.
func signature(list []member) string {
	var b strings.Builder
	for i, m := range list {
		fmt.Fprintf(&b, "%s %d", m.path, inode(m.info))
		if i < len(list)-1 {
			fmt.Fprintf(&b, " %d %d", m.info.Size(), m.info.ModTime().UnixNano())
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// index returns where a file is in the list, -1 if it is not.
func index(list []member, info fs.FileInfo) int {
	for i, m := range slices.Backward(list) {
		if info != nil && os.SameFile(m.info, info) {
			return i
		}
	}
	return -1
}

// isTarget says whether a file is the one the path leads to, or stands for it.
func (f *family) isTarget(m member) bool {
	return f.single || filepath.Base(m.path) == filepath.Base(f.target)
}

// newer returns the oldest file written after t; without one the live file, if
// it is there; else -1.
func (f *family) newer(list []member, t time.Time) int {
	for i, m := range list {
		if m.info.ModTime().After(t) {
			return i
		}
	}
	if last := len(list) - 1; last >= 0 && f.isTarget(list[last]) {
		return last
	}
	return -1
}
