package publish

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"tripline/enforce/export"
)

// A Shelf is the tables that a firewall can fetch. The zero value is empty. It is
// safe for concurrent use.
type Shelf struct {
	// MaxShrink is how much of a table may go at once though nobody approved
	// anything; 0 is all but everything: an empty table alone is refused.
	MaxShrink float64

	mu     sync.RWMutex
	tables map[string]*table // by file name
	told   map[string]string // what was refused, so that it is told once
}

type table struct {
	text    []byte
	etag    string
	since   time.Time // when it was last changed
	state   string    // of the file it came from
	gone    bool      // the file is not there any more
	held    export.Held
	fetched time.Time // last, zero if never
	by      string
}

// A Refused is a table that was not taken.
type Refused struct {
	Name string // of the file
	Why  error
}

// tableMax bounds a file: a million entries of IPv6 are about 20 MiB.
const tableMax = 64 << 20

// served are the files a firewall fetches: tables and ports.
var served = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,40}\.txt$`)

// Load takes up what has changed in a directory, and says what it refuses, each
// thing once. A directory that cannot be read changes nothing.
func (s *Shelf) Load(dir string) ([]Refused, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err //nolint:wrapcheck // names the directory
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tables == nil {
		s.tables, s.told = map[string]*table{}, map[string]string{}
	}
	var refused []Refused
	there := map[string]bool{}
	for _, e := range entries {
		name := e.Name()
		if !served.MatchString(name) || name == "README.txt" {
			continue
		}
		there[name] = true
		if why := s.load(filepath.Join(dir, name), name); why != nil {
			refused = append(refused, Refused{name, why})
		}
	}
	for name, t := range s.tables {
		t.gone = !there[name]
	}
	return refused, nil
}

// load takes up one file, and says why not the first time it does not.
func (s *Shelf) load(path, name string) error {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return nil //nolint:nilerr // it went meanwhile, or is something else
	}
	state := fmt.Sprint(info.Size(), info.ModTime().UnixNano())
	t := s.tables[name]
	if t != nil && t.state == state || s.told[name] == state {
		return nil
	}
	text, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = s.refuses(name, t, text)
	}
	if err != nil {
		s.told[name] = state
		return err
	}
	delete(s.told, name)
	s.put(name, text, info.ModTime(), state)
	return nil
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err //nolint:wrapcheck // names the file
	}
	defer f.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(f, tableMax+1))
	if err == nil && len(text) > tableMax {
		err = fmt.Errorf("more than %d MiB", tableMax>>20)
	}
	return text, err //nolint:wrapcheck // names the file
}

// refuses says why a table must not be served.
func (s *Shelf) refuses(name string, t *table, text []byte) error {
	if strings.HasSuffix(name, "_ports.txt") {
		if len(strings.Fields(string(text))) == 0 {
			return errors.New("it holds no port")
		}
		return nil
	}
	held := export.ReadHeld(text)
	if held.Set.IsEmpty() && !held.Over {
		return errors.New("it holds no address")
	}
	if t == nil {
		return nil
	}
	most := s.MaxShrink
	if most == 0 {
		most = 1
	}
	return export.Compare(t.text, text).Refused(most)
}

func (s *Shelf) put(name string, text []byte, at time.Time, state string) {
	t := s.tables[name]
	if t != nil && string(t.text) == string(text) { // written again, with the same
		t.state = state
		return
	}
	sum := sha256.Sum256(text)
	next := &table{text: text, etag: `"` + hex.EncodeToString(sum[:16]) + `"`, since: at, state: state, held: export.ReadHeld(text)}
	if t != nil {
		next.fetched, next.by = t.fetched, t.by
	}
	s.tables[name] = next
}

// A Version is one table as it is served.
type Version struct {
	Name    string
	Text    []byte
	ETag    string
	Changed time.Time
	Held    export.Held
	Fetched time.Time // last, zero if never
	By      string    // whom it was last sent to
}

// Get returns a table; ok is false if there is none.
func (s *Shelf) Get(name string) (v Version, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t := s.tables[name]
	if t == nil || t.gone {
		return v, false
	}
	return t.version(name), true
}

func (t *table) version(name string) Version {
	return Version{name, t.text, t.etag, t.since, t.held, t.fetched, t.by}
}

// List returns all tables by name.
func (s *Shelf) List() (all []Version) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for name, t := range s.tables {
		if !t.gone {
			all = append(all, t.version(name))
		}
	}
	slices.SortFunc(all, func(a, b Version) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// fetched notes who was sent a table.
func (s *Shelf) fetched(name, by string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tables[name]; t != nil {
		t.fetched, t.by = at, by
	}
}
