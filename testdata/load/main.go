// Command load measures tripline enforce as a service: how soon an alert leaves,
// how many flows it stands, and what faults do to it. Every trial has a database, a
// log and a peer of its own, prints its figure, and fails where a promise is broken.
//
//	go run ./testdata/load -tripline ./tripline            all trials, the short form
//	go run ./testdata/load -trial flows -for 10m           one of them, for longer
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// A trial is one thing that is measured.
type trial struct {
	name, about string
	run         func(*lab, io.Writer) error
}

var trials = []trial{
	{"alert", "from the line in the log to the alert at a webhook", alertTrial},
	{"flows", "flows a second of 100 agents against 10,000 rules", flowsTrial},
	{"kill", "kill -9 again and again under load", killTrial},
	{"scan", "a million destinations within a minute", scanTrial},
	{"garbage", "a source that writes rubbish as fast as it can", garbageTrial},
	{"clock", "a clock that jumps by a year, to and fro", clockTrial},
	{"disk", "a disk that is full, and has room again", diskTrial},
}

func main() {
	var l lab
	flag.StringVar(&l.tripline, "tripline", "./tripline", "measure the program in `FILE`")
	flag.DurationVar(&l.span, "for", 10*time.Second, "how long a trial goes on that may go on for any time")
	only := flag.String("trial", "", "do only `TRIAL`")
	flag.Parse()
	failed := false
	for _, t := range trials {
		if *only != "" && *only != t.name {
			continue
		}
		fmt.Printf("%s: %s\n", t.name, t.about)
		if err := l.try(t, os.Stdout); err != nil {
			fmt.Fprintf(os.Stderr, "load: %s: %v\n", t.name, err)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}

func (l *lab) try(t trial, out io.Writer) error {
	path, err := filepath.Abs(l.tripline)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "tripline-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	own := lab{tripline: path, span: l.span, dir: dir, db: filepath.Join(dir, "tripline.db"), log: filepath.Join(dir, "filter.log")}
	if err := own.open(); err != nil {
		return err
	}
	defer own.close()
	return t.run(&own, out)
}
