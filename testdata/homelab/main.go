// Command homelab writes the firewall log of a small home network: a week in
// which an agent does its work, and two more days in which somebody else uses
// the agent's machine three times. It is what "make demo" runs on.
//
// The network is made up (192.0.2.0/24 inside, 198.51.100.7 outside); only the
// large providers have their real address space, because whose space it is
// decides what a reader is shown. The same seed writes the same bytes.
//
//	go run ./testdata/homelab -o demo
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// The week begins on a Monday; the firewall's clock is in UTC.
var (
	monday   = time.Date(2026, time.November, 2, 0, 0, 0, 0, time.UTC)
	weekDays = 7
	moreDays = 2
)

func main() {
	dir := flag.String("o", "demo", "write filter.log, filter2.log and ANSWERS into `DIR`")
	seed := flag.Uint64("seed", 1, "`N` that everything random is drawn from")
	flag.Parse()
	if err := run(*dir, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "homelab: error:", err)
		os.Exit(2)
	}
}

func run(dir string, seed uint64) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	week, more := generate(seed)
	for _, f := range []struct {
		name string
		log  *journal
	}{{"filter.log", week}, {"filter2.log", more}} {
		if err := save(filepath.Join(dir, f.name), f.log); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "ANSWERS"), []byte(answers()), 0o644)
}

// save gives the file the time of its last line: the stamps inside carry no
// year, so a reader takes it from there.
func save(path string, log *journal) error {
	var text bytes.Buffer
	last := log.writeTo(&text)
	if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
		return err
	}
	return os.Chtimes(path, last, last)
}

// generate returns the week and the two days that follow it.
func generate(seed uint64) (week, more *journal) {
	l := newLab(seed)
	week = l.days(monday, weekDays)
	more = l.days(monday.AddDate(0, 0, weekDays), moreDays)
	l.attack(more)
	return week, more
}
