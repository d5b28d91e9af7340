package main

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var flowsRead = regexp.MustCompile(`(?m)^([0-9,]+) flows? of `)

// flowsTrial pipes flows into enforce as fast as it takes them, a few of them
// findings, and looks at its memory.
func flowsTrial(l *lab, out io.Writer) error {
	from, to, err := os.Pipe()
	if err != nil {
		return err
	}
	defer to.Close()
	cmd, err := l.start(from, "-")
	if err != nil {
		return err
	}
	_ = from.Close()
	var w writer
	base, n := time.Date(2026, 3, 13, 8, 0, 0, 0, time.UTC), 0
	early, began := 0, time.Now()
	for time.Since(began) < l.span {
		w.buf = w.buf[:0]
		at := base.Add(time.Duration(n) * 5 * time.Microsecond) // 200,000 a second
		w.allowed(at, n, 2000)
		if n%200_000 == 0 {
			w.unexpected(at, n/200_000%agents, n/200_000%500)
		}
		n += 2000
		if _, err := to.Write(w.buf); err != nil {
			return fmt.Errorf("after %d flows: %w", n, err)
		}
		if early == 0 && time.Since(began) > l.span/5 {
			early, _ = memory(cmd.Process.Pid)
		}
	}
	took := time.Since(began)
	late, most := memory(cmd.Process.Pid)
	_ = to.Close()
	time.Sleep(500 * time.Millisecond) // what is in the pipe
	talk, err := l.end(cmd)
	if err != nil {
		return err
	}
	read := 0
	if m := flowsRead.FindStringSubmatch(talk); m != nil {
		read, _ = strconv.Atoi(strings.ReplaceAll(m[1], ",", ""))
	}
	rate := float64(read) / took.Seconds()
	fmt.Fprintf(out, "  %d flows in %s: %.0f a second (%.1f hours of 200,000 a second); memory %d MiB after a fifth, %d at the end, %d at most\n",
		read, took.Round(time.Millisecond), rate, float64(read)/200_000/3600, early, late, most)
	if rate < 200_000 || most > 200 || read < n {
		return fmt.Errorf("want 200,000 flows a second in 200 MiB, and all %d", n)
	}
	return nil
}
