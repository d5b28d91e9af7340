package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"tripline/learn"
	"tripline/store"
)

// An app is what all commands share.
type app struct {
	args           []string
	stdin          io.Reader
	stdout, stderr io.Writer

	dbPath, configPath, color string
	quiet                     bool
	config                    learn.Config
	containers                *containers  // nil unless agents are found by them
	log                       *slog.Logger // of what is said; nil is words for a person
	pinned                    os.FileInfo  // of the database since a command began, nil without one
}

// now is the only clock of the program.
func (a *app) now() time.Time { return time.Now().UTC() }

// say writes talk to standard error, unless it was asked to be quiet.
func (a *app) say(format string, args ...any) {
	if a.log != nil {
		a.log.Info(record(format, args))
		return
	}
	if !a.quiet {
		fmt.Fprintf(a.stderr, format+"\n", args...)
	}
}

// warn writes a warning to standard error, always.
func (a *app) warn(format string, args ...any) {
	if a.log != nil {
		a.log.Warn(record(format, args))
		return
	}
	fmt.Fprintf(a.stderr, "tripline: warning: %s\n", lines(fmt.Sprintf(format, args...)))
}

// path returns where the database is.
func (a *app) path() string {
	if a.dbPath != "" {
		return a.dbPath
	}
	return databasePath()
}

// databasePath is the default: TRIPLINE_DB, for root the system's place, for
// others the data directory of the XDG Base Directory Specification.
func databasePath() string {
	if p := os.Getenv("TRIPLINE_DB"); p != "" {
		return p
	}
	if os.Geteuid() == 0 {
		if runtime.GOOS == "freebsd" {
			return "/var/db/tripline/tripline.db"
		}
		return "/var/lib/tripline/tripline.db"
	}
	dir := os.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(dir) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "tripline.db"
		}
		dir = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(dir, "tripline", "tripline.db")
}

// wait is how long a command waits for another process to finish with the
// database. One that follows a log gives it back every second.
const wait = 5 * time.Second

// write opens the database for writing and calls f.
func (a *app) write(command string, f func(*store.Store) error) error {
	s, err := store.Open(a.path(), store.Options{Wait: wait, Holder: "tripline " + command, Same: a.pinned})
	if err != nil {
		return err
	}
	return closing(s, f)
}

// learnFirst is how anything comes into a database.
const learnFirst = "tripline learn --agent bot=192.0.2.50 --from filterlog /var/log/filter.log, or tripline learn --agent bot -- CMD"

// read opens the database for reading and calls f. Other readers are welcome.
func (a *app) read(f func(*store.Store) error) error {
	if _, err := os.Stat(a.path()); os.IsNotExist(err) {
		return learn.WithHint(fmt.Errorf("there is no database at %s: nothing was learned yet", a.path()),
			"%s", learnFirst)
	}
	s, err := store.Open(a.path(), store.Options{ReadOnly: true, Wait: wait, Same: a.pinned})
	if err != nil {
		return err
	}
	return closing(s, f)
}

// closing calls f and closes the database, whatever f says.
func closing(s *store.Store, f func(*store.Store) error) error {
	err := f(s)
	if unclosed := s.Close(); err == nil {
		err = unclosed
	}
	return err
}

// version is what was built, from the build information.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	text := info.Main.Version
	if text == "" || text == "(devel)" {
		text = "development build"
	}
	set := map[string]string{}
	for _, s := range info.Settings {
		set[s.Key] = s.Value
	}
	if revision := set["vcs.revision"]; revision != "" && !strings.Contains(text, revision[:min(12, len(revision))]) {
		text += ", revision " + revision[:min(12, len(revision))]
	}
	if set["vcs.modified"] == "true" && !strings.Contains(text, "dirty") {
		text += " with changes"
	}
	return fmt.Sprintf("%s (%s, %s/%s)", text, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
