package main

import (
	"strings"
	"testing"
	"time"

	"tripline/learn/source"
)

// The rate of each sender is told soon, and then seldom: that since it was told.
func TestSendersAreRated(t *testing.T) {
	var talk strings.Builder
	v := newVigil(&app{stderr: &talk}, source.Source{}, "-")
	begin := time.Date(2026, time.March, 28, 12, 0, 0, 0, time.UTC)
	f := source.Sender{Name: "udp://192.0.2.1:5514 (192.0.2.9)", First: begin}
	for i := range 1201 { // 20 a second, then 5
		f.Last = begin.Add(time.Duration(i) * time.Second)
		if f.Records += 20; i > 10 {
			f.Records -= 15
		}
		f.Missing = int64(i / 100)
		v.rates(f.Last, []source.Sender{f})
	}
	want := "udp://192.0.2.1:5514 (192.0.2.9): 220 records, 22.0 a second, 0 missing by sequence number\n" +
		"udp://192.0.2.1:5514 (192.0.2.9): 3,220 records, 5.0 a second, 6 missing by sequence number\n"
	if talk.String() != want {
		t.Errorf("got\n%swant\n%s", talk.String(), want)
	}
}
