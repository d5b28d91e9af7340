package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

var shape = regexp.MustCompile(`^<134>1 2026-03-\d\dT\d\d:\d\d:\d\d\.\d{6}-05:00 fw\.example\.com filterlog 64952 - - ` +
	`\d+,,,\d{10},igb[01],match,(pass|block),(in|out),[46],`)

func TestSameSizeSameBytes(t *testing.T) {
	s := size{lines: 2000, destinations: 100, rate: 40, seed: 7}
	if first, second := text(t, s), text(t, s); first != second {
		t.Error("the same flags wrote two different logs")
	}
}

func TestLinesLookLikeFilterlog(t *testing.T) {
	s := size{lines: 20_000, destinations: 1000, rate: 40, seed: 1}
	got := text(t, s)
	if n := strings.Count(got, "\n"); n != s.lines {
		t.Errorf("%d lines, want %d", n, s.lines)
	}
	if mean := len(got) / s.lines; mean < 190 || mean > 230 {
		t.Errorf("a line has %d bytes, want about 209", mean)
	}
	for line := range strings.Lines(got) {
		if !shape.MatchString(line) {
			t.Fatalf("got %q, want %s", line, shape)
		}
	}
}

func TestStampsNeverGoBack(t *testing.T) {
	last := ""
	for line := range strings.Lines(text(t, size{lines: 500, destinations: 1, rate: 7, seed: 1})) {
		if at := line[7:33]; at < last {
			t.Fatalf("%s comes after %s", at, last)
		} else {
			last = at
		}
	}
}

func TestWriteRefusesNonsense(t *testing.T) {
	for _, s := range []size{{lines: -1, destinations: 1, rate: 1}, {lines: 1, rate: 1}, {lines: 1, destinations: 1}} {
		if err := write(&bytes.Buffer{}, s); err == nil {
			t.Errorf("%+v was taken", s)
		}
	}
}

func text(t *testing.T, s size) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func BenchmarkWrite(b *testing.B) {
	for b.Loop() {
		if err := write(&bytes.Buffer{}, size{lines: 100_000, destinations: 50_000, rate: 40, seed: 1}); err != nil {
			b.Fatal(err)
		}
	}
}
