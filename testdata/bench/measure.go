package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

// A row is what was measured of one contender, a value for each round.
type row struct {
	contender
	seconds, cpu []float64
	peak         int64 // KiB, the largest of all rounds
	failure      error
}

type table []row

// measureAll runs every contender once per round.
func measureAll(contenders []contender, rounds int) table {
	t := make(table, len(contenders))
	for i, c := range contenders {
		t[i].contender = c
	}
	for range rounds {
		for i := range t {
			if t[i].failure == nil {
				t[i].failure = t[i].measure()
			}
		}
	}
	return t
}

// measure runs the command once. Exit status 1 is a finding and no failure.
func (r *row) measure() error {
	if err := r.clear(); err != nil {
		return err
	}
	cmd := exec.Command(r.args[0], r.args[1:]...)
	cmd.Env = append(os.Environ(), r.env...)
	var talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.Discard, &talk
	began := time.Now()
	err := cmd.Run()
	took := time.Since(began)
	if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		return fmt.Errorf("%s: %w: %s", r.name, err, strings.TrimSpace(talk.String()))
	}
	state := cmd.ProcessState
	r.seconds = append(r.seconds, took.Seconds())
	r.cpu = append(r.cpu, (state.UserTime() + state.SystemTime()).Seconds())
	if u, ok := state.SysUsage().(*syscall.Rusage); ok {
		r.peak = max(r.peak, u.Maxrss)
	}
	return nil
}

func (t table) print(out io.Writer, lines int) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%s lines\tseconds\tcpu\tlines/s\tx wc -l\tpeak MiB\t\n", thousands(lines))
	for _, r := range t {
		if r.failure != nil {
			fmt.Fprintf(w, "%s\tfailed\t\t\t\t\t\n", r.name)
			continue
		}
		s := median(r.seconds)
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%s\t%.1f\t%d\t\n", r.name, s, median(r.cpu),
			thousands(int(float64(lines)/s)), s/median(t[0].seconds), r.peak>>10)
	}
	w.Flush()
	if floor := t[0]; median(floor.seconds) > 1.5*median(floor.cpu) {
		fmt.Fprintln(out, "other work was running: compare the columns cpu, not seconds")
	}
}

// err returns what kept contenders from finishing.
func (t table) err() error {
	var all []error
	for _, r := range t {
		all = append(all, r.failure)
	}
	return errors.Join(all...)
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(values))
	return s[len(s)/2]
}
