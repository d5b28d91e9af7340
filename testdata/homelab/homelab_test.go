package main

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestSameSeedSameBytes(t *testing.T) {
	week, more := texts(1)
	againWeek, againMore := texts(1)
	if week != againWeek || more != againMore {
		t.Error("one seed wrote two different logs")
	}
	if other, _ := texts(2); other == week {
		t.Error("two seeds wrote the same log")
	}
}

func TestWeekHasTheSizeOfAHome(t *testing.T) {
	week, _ := texts(1)
	if n := strings.Count(week, "\n"); n < 15_000 || n > 40_000 {
		t.Errorf("%d lines in the week, want 15000 to 40000", n)
	}
}

// TestNothingElseIsNew holds what the demonstration rests on: of everything the
// agent does in the second log, the deeds alone are neither known nor storage.
func TestNothingElseIsNew(t *testing.T) {
	for seed := range uint64(5) {
		week, more := texts(seed)
		known := contacts(week)
		var got, want []contact
		for _, c := range contacts(more) {
			if !slices.Contains(known, c) && !stored(c) {
				got = append(got, c)
			}
		}
		for _, d := range deeds {
			want = append(want, contact{d.to, d.proto.in4, d.port})
		}
		if !slices.Equal(got, want) {
			t.Errorf("seed %d: new in the second log: %v, want %v", seed, got, want)
		}
	}
}

func TestStorageRotates(t *testing.T) {
	week, more := texts(1)
	known, fresh := contacts(week), 0
	for _, c := range contacts(more) {
		if stored(c) && !slices.Contains(known, c) {
			fresh++
		}
	}
	if fresh < 8 {
		t.Errorf("%d storage addresses are new in the second log, want some every day", fresh)
	}
}

func TestAnswersNameEachDeedOnce(t *testing.T) {
	_, more := texts(1)
	if n := strings.Count(answers(), "\n"); n != 3 {
		t.Errorf("%d answers, want 3", n)
	}
	for _, d := range deeds {
		if n := timesOnLAN(more, d); n != 1 {
			t.Errorf("%s: %d lines on the agent's side, want 1", d.what, n)
		}
	}
}

func texts(seed uint64) (week, more string) {
	a, b := generate(seed)
	var x, y bytes.Buffer
	a.writeTo(&x)
	b.writeTo(&y)
	return x.String(), y.String()
}

func timesOnLAN(log string, d deed) (n int) {
	for line := range strings.Lines(log) {
		if strings.Contains(line, ","+lan+",match,pass,in,") && strings.Contains(line, ","+bot.addr.String()+","+d.to.String()+",") {
			n++
		}
	}
	return n
}

type contact struct {
	to    netip.Addr
	proto string
	port  uint16
}

func stored(c contact) bool {
	return c.proto == "tcp" && c.port == 443 && slices.ContainsFunc(storage, func(s struct {
		prefix netip.Prefix
		weight int
	},
	) bool {
		return s.prefix.Contains(c.to)
	})
}

// contacts returns whom the agent reached, each once, in order of sighting.
func contacts(log string) []contact {
	seen := map[contact]bool{}
	var out []contact
	for line := range strings.Lines(log) {
		c, ok := ofAgent(strings.Split(strings.TrimSuffix(line, "\n"), ","))
		if ok && !seen[c] {
			seen[c] = true
			out = append(out, c)
		}
	}
	return out
}

// ofAgent reads the fields of one line far enough for these tests.
func ofAgent(f []string) (contact, bool) {
	if len(f) < 20 || f[6] != "pass" || f[7] != "in" {
		return contact{}, false
	}
	proto, at := f[16], 18
	if f[8] == "6" {
		proto, at = strings.ToLower(f[12]), 15
	}
	if f[at] != bot.addr.String() && f[at] != bot.addr6.String() {
		return contact{}, false
	}
	var port uint16
	for _, digit := range f[at+3] {
		port = port*10 + uint16(digit-'0')
	}
	return contact{netip.MustParseAddr(f[at+1]), proto, port}, true
}
