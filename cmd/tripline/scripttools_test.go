package main

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/ulikunitz/xz"

	"tripline/store"
)

// cmdEdit replaces every occurrence of a text in a file: edit FILE OLD NEW.
func cmdEdit(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: edit FILE OLD NEW")
	}
	lineEnds := strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\0`, "\x00", `\e`, "\x1b")
	old, text := lineEnds.Replace(args[1]), ts.ReadFile(args[0])
	if !strings.Contains(text, old) {
		ts.Fatalf("%s does not hold %q:\n%s", args[0], old, text)
	}
	text = strings.ReplaceAll(text, old, lineEnds.Replace(args[2]))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// cmdAppend adds files to the end of another one, as a firewall does:
// append FILE FROM...
func cmdAppend(ts *testscript.TestScript, _ bool, args []string) {
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	ts.Check(err)
	for _, from := range args[1:] {
		_, err := f.WriteString(ts.ReadFile(from))
		ts.Check(err)
	}
	ts.Check(f.Close())
}

// cmdFill writes a line of one letter over and over: fill FILE LETTER COUNT.
func cmdFill(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Repeat(args[1], n)+"\n"), 0o600))
}

// cmdCut keeps the beginning of a file, or leaves out its end where the number
// is negative: cut FILE BYTES.
func cmdCut(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	if n < 0 {
		n += len(ts.ReadFile(args[0]))
	}
	ts.Check(os.Truncate(ts.MkAbs(args[0]), int64(n)))
}

// cmdCompress writes FILE.gz and the like beside a file: compress FILE gz zst xz.
func cmdCompress(ts *testscript.TestScript, _ bool, args []string) {
	for _, kind := range args[1:] {
		f, err := os.Create(ts.MkAbs(args[0] + "." + kind))
		ts.Check(err)
		w, err := compressor(f, kind)
		ts.Check(err)
		_, err = io.WriteString(w, ts.ReadFile(args[0]))
		ts.Check(errors.Join(err, w.Close(), f.Close()))
	}
}

func compressor(w io.Writer, kind string) (io.WriteCloser, error) {
	switch kind {
	case "gz":
		return gzip.NewWriter(w), nil
	case "zst":
		return zstd.NewWriter(w)
	case "xz":
		return xz.NewWriter(w)
	}
	return nil, fmt.Errorf("no compressor %q", kind)
}

// patience is how long a script waits for what must happen.
const patience = 20 * time.Second

// cmdAwait waits until a file is there.
func cmdAwait(ts *testscript.TestScript, _ bool, args []string) {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
	}
	ts.Fatalf("%s is still missing", args[0])
}

// cmdEventual runs a program until its output holds a pattern.
func cmdEventual(ts *testscript.TestScript, _ bool, args []string) {
	want := regexp.MustCompile(args[0])
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		_ = ts.Exec(args[1], args[2:]...) // what it prints decides
		if want.MatchString(ts.ReadFile("stdout")) || want.MatchString(ts.ReadFile("stderr")) {
			return
		}
	}
	ts.Fatalf("no %s", args[0])
}

// cmdSleep gives a command in the background time to notice something.
func cmdSleep(ts *testscript.TestScript, _ bool, args []string) {
	d, err := time.ParseDuration(args[0])
	ts.Check(err)
	time.Sleep(d)
}

// holdMain is a program that holds the database until it is interrupted, as a
// long command does.
func holdMain() {
	path := os.Getenv("TRIPLINE_DB")
	s, err := store.Open(path, store.Options{Holder: "tripline prune"})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitTrouble)
	}
	told := make(chan os.Signal, 1)
	signal.Notify(told, os.Interrupt, syscall.SIGTERM)
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "held"), nil, 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	select {
	case <-told:
	case <-time.After(patience):
	}
	if err := s.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}
