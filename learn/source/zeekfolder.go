package source

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"tripline/learn"
)

// zeekLogs are the logs that are read of a directory, and how far ahead of the
// connections: what names a connection is written after it began.
var zeekLogs = []struct {
	name  string
	ahead time.Duration
}{
	{"dns", 0}, {"ssl", namingDelay}, {"quic", namingDelay}, {"http", namingDelay}, {"conn", 0},
}

// namingDelay is how long after its beginning, by the order of lines, what names
// a connection may be found. A handshake that nothing answers is written when
// it is given up, after those that began later: five minutes of silence.
const namingDelay = 10 * time.Minute

// zeekFile is how a log or a rotated part of it is called:
//
//	conn.log  conn.json  conn.log.gz  conn.log.labeled
//	conn.2026-11-02-12-00-00.log.gz  conn.12:00:00-13:00:00.log.gz  conn-26-11-02_12.00.00.log  conn.log.1.gz
//
// conn-summary.12:00:00-13:00:00.log.gz is a report for people.
var zeekFile = regexp.MustCompile(`^(conn|dns|ssl|quic|http)([._-]+\d[-\d:._T+]*)?\.(log|json|ndjson)(\.labeled)?(\.\d+)?(\.(gz|bz2|xz|zst))?$`)

// A zeekFolder is the files of a directory, by log: the rotated ones, oldest
// first, and the one that is written.
type zeekFolder struct {
	past map[string][]string
	live map[string]string
}

// listZeek finds the logs in a directory.
func listZeek(dir string) (zeekFolder, error) {
	f := zeekFolder{past: map[string][]string{}, live: map[string]string{}}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return f, fmt.Errorf("read %w", err)
	}
	for _, e := range entries {
		m := zeekFile.FindStringSubmatch(e.Name())
		if m == nil || e.IsDir() {
			continue
		}
		path, log := filepath.Join(dir, e.Name()), m[1]
		switch was := f.live[log]; {
		case m[2] != "":
			f.past[log] = append(f.past[log], path)
		case m[5] != "": // conn.log.1.gz, which reading conn.log finds
		case was == "" || len(path) < len(was): // conn.log, not its twin conn.log.gz
			f.live[log] = path
		}
	}
	for log, list := range f.past {
		f.past[log] = oldestFirst(list)
	}
	return f, nil
}

// oldestFirst sorts rotated files, and leaves out the compressed twin of one
// that is still there.
func oldestFirst(list []string) []string {
	slices.SortFunc(list, func(a, b string) int { return cmp.Or(strings.Compare(stem(a), stem(b)), cmp.Compare(len(a), len(b))) })
	return slices.CompactFunc(list, func(a, b string) bool { return stem(a) == stem(b) })
}

// stem is the name of a file before it was compressed.
func stem(path string) string {
	switch ext := filepath.Ext(path); ext {
	case ".gz", ".bz2", ".xz", ".zst":
		return strings.TrimSuffix(path, ext)
	}
	return path
}

// openZeekFolder reads the logs of a directory together.
func openZeekFolder(dir string, cursor []byte, o StreamOptions) (Stream, error) {
	f, err := listZeek(dir)
	if err != nil {
		return nil, err
	}
	if !o.Follow && len(f.past) == 0 && len(f.live) == 0 {
		return nil, noZeekLogs(dir)
	}
	_, has := f.live["conn"]
	seen := newSightings(!o.Follow && !has && len(f.past["conn"]) == 0)
	var parts []Part
	for _, log := range zeekLogs {
		live := f.live[log.name]
		if live == "" && o.Follow {
			live = filepath.Join(dir, log.name+".log")
		}
		files := slices.Clone(f.past[log.name])
		if live != "" {
			files = append(files, live)
		}
		if len(files) == 0 {
			continue
		}
		open := func(cursor []byte) (Stream, error) { return openZeekLog(dir, files, cursor, o, seen) }
		parts = append(parts, Part{Name: log.name, Ahead: log.ahead, Open: open})
	}
	s, err := Join(parts, cursor, seen)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", dir, err)
	}
	return s, nil
}

// openZeekLog reads the files of one log. What is followed begins with the file
// that is written, or where reading stopped, in whichever file that is now.
func openZeekLog(dir string, files []string, cursor []byte, o StreamOptions, seen *sightings) (Stream, error) {
	live := len(files) - 1
	if at, err := decode(cursor); err == nil && !at.Lines.IsZero() {
		if where(files[live:], at.Lines) < 0 {
			files = append(archived(dir, files[live]), files...)
		}
		files = files[max(0, where(files, at.Lines)):]
	}
	if i := len(files) - 1; o.Follow && !o.Rotated && (cursor == nil || !holds(files, cursor)) {
		files = files[i:]
	}
	s, err := openSeries(zeekLog(newZeekParser(o.Options, seen)), files, headerLine, cursor, o)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// holds says whether a place is in one of the files.
func holds(files []string, cursor []byte) bool {
	at, err := decode(cursor)
	return err == nil && where(files, at.Lines) >= 0
}

// archived returns what was rotated away from "current": Zeek's own tools move it
// to a directory of its day, beside.
func archived(dir, live string) (list []string) {
	log, _, _ := strings.Cut(filepath.Base(live), ".")
	days, err := filepath.Glob(filepath.Join(filepath.Dir(filepath.Clean(dir)), "????-??-??"))
	if err != nil || filepath.Base(dir) != "current" {
		return nil
	}
	slices.Sort(days)
	for _, day := range days {
		if f, err := listZeek(day); err == nil {
			list = append(list, f.past[log]...)
		}
	}
	return list
}

func noZeekLogs(dir string) error {
	err := fmt.Errorf("read %s: there is no conn.log, dns.log, ssl.log, quic.log or http.log in it", dir)
	if found, globErr := filepath.Glob(filepath.Join(dir, "*", "conn.*")); globErr == nil && len(found) > 0 {
		return learn.WithHint(err, "name one of the directories in it: %s", filepath.Dir(slices.Max(found)))
	}
	return learn.WithHint(err, "name the directory that Zeek writes to, such as /opt/zeek/logs/current")
}

// filesOf returns the files that reading a path begins with.
func filesOf(path string) []string {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return []string{path}
	}
	f, err := listZeek(path)
	if err != nil {
		return nil
	}
	list := slices.Collect(maps.Values(f.live))
	for _, past := range f.past {
		list = append(list, past...)
	}
	slices.Sort(list)
	return list
}
