package main

import (
	"bytes"
	"fmt"
	"slices"
	"time"
)

// A journal is one log file while it is written. Lines are added in any order.
type journal struct {
	lines []line
}

type line struct {
	at   time.Time
	text string
}

// add records what the program called process wrote at that moment.
func (j *journal) add(at time.Time, process, text string) {
	stamp := at.Format("Jan _2 15:04:05")
	j.lines = append(j.lines, line{at, fmt.Sprintf("%s fw %s: %s", stamp, process, text)})
}

// packet records one filterlog line.
func (j *journal) packet(at time.Time, p packet) {
	j.add(at, "filterlog[64952]", p.String())
}

// writeTo writes the lines by time and returns the time of the last one.
func (j *journal) writeTo(out *bytes.Buffer) time.Time {
	slices.SortStableFunc(j.lines, func(a, b line) int { return a.at.Compare(b.at) })
	var last time.Time
	for _, l := range j.lines {
		out.WriteString(l.text)
		out.WriteByte('\n')
		last = l.at
	}
	return last
}
