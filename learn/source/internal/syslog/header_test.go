package syslog_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"tripline/learn/source/internal/syslog"
)

var newest = time.Date(2026, time.March, 28, 13, 0, 0, 0, time.UTC)

func TestHeaders(t *testing.T) {
	noon := time.Date(2026, time.March, 28, 12, 0, 0, 0, time.UTC)
	for line, want := range map[string]struct {
		h       syslog.Header
		message string
	}{
		"<13>1 2026-03-28T12:00:00Z gw kernel - - - text": {syslog.Header{Time: noon, Priority: true, Host: []byte("gw"), Program: []byte("kernel")}, "text"},
		"<13>1 2026-03-28T14:00:00+02:00 gw app 1 x [meta sequenceId=\"1\" a=\"]\\\"\"][b c=\"d\"] \xef\xbb\xbftext": {
			syslog.Header{Time: noon, Priority: true, Host: []byte("gw"), Program: []byte("app")}, "text",
		},
		"<13>1 - gw app - - - text":                     {syslog.Header{Timeless: true, Priority: true, Host: []byte("gw"), Program: []byte("app")}, "text"},
		"<13>Mar 28 12:00:00 gw app[1]: text":           {syslog.Header{Time: noon, Zoneless: true, Priority: true}, "gw app[1]: text"},
		"Mar 28 12:00:00 app: text":                     {syslog.Header{Time: noon, Zoneless: true}, "app: text"},
		"2026-03-28T12:00:00 gw app: text\r":            {syslog.Header{Time: noon, Zoneless: true}, "gw app: text"},
		"2026-03-28T12:00:00.5+0000 gw app: text":       {syslog.Header{Time: noon.Add(time.Second / 2)}, "gw app: text"},
		"[Sat Mar 28 12:00:00 2026] text":               {syslog.Header{Time: noon, Zoneless: true}, "text"},
		"[Thu Jan  1 00:00:00 2026] text":               {syslog.Header{Time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Zoneless: true}, "text"},
		"[Thu Dec 31 23:59:59 2026] text":               {syslog.Header{Time: time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC), Zoneless: true}, "text"},
		"[  203.842973] text":                           {syslog.Header{Timeless: true}, "[  203.842973] text"},
		"":                                              {syslog.Header{Timeless: true}, ""},
		"<13>":                                          {syslog.Header{Timeless: true, Priority: true}, ""},
		"<13>1 ":                                        {syslog.Header{Timeless: true, Priority: true}, "1 "},
		"<13>1 2026-03-28T12:00:00Z gw app - - [cut=\"": {syslog.Header{Time: noon, Priority: true, Host: []byte("gw"), Program: []byte("app")}, ""},
		"\xef\xbb\xbfMar 28 12:00:00 app: text":         {syslog.Header{Time: noon, Zoneless: true}, "app: text"},
	} {
		var h syslog.Header
		message := syslog.NewReader(nil).Read([]byte(line), newest, &h)
		if string(message) != want.message || !h.Time.Equal(want.h.Time) || h.Timeless != want.h.Timeless || h.Zoneless != want.h.Zoneless ||
			h.Priority != want.h.Priority || !bytes.Equal(h.Host, want.h.Host) || !bytes.Equal(h.Program, want.h.Program) {
			t.Errorf("%q: got %+v, %q, want %+v, %q", line, h, message, want.h, want.message)
		}
	}
}

func TestWhereThereIsNoDateABSDStampIsNone(t *testing.T) {
	var h syslog.Header
	message := syslog.NewReader(nil).Read([]byte("Mar 28 12:00:00 app: text"), time.Time{}, &h)
	if !h.Timeless || string(message) != "Mar 28 12:00:00 app: text" {
		t.Errorf("got %+v, %q", h, message)
	}
}

func TestSequence(t *testing.T) {
	for line, want := range map[string]uint32{
		`<134>1 2026-03-28T12:00:00Z gw filterlog 1 - [meta sequenceId="17"] x`:         17,
		`<134>1 - - - - - [meta sysUpTime="3" sequenceId="2147483647" language="en"] x`: 2147483647,
		`<134>1 2026-03-28T12:00:00Z gw app 1 - [other sequenceId="17"] x`:              0,
		`<134>1 2026-03-28T12:00:00Z gw app 1 - [meta sequenceId="x"] x`:                0,
		`<134>1 2026-03-28T12:00:00Z gw app 1 - [meta sequenceId="17`:                   0,
		`<134>1 2026-03-28T12:00:00Z gw app 1 - - [meta sequenceId="17"] x`:             0,
		`<134>Mar 28 12:00:00 gw app: [meta sequenceId="17"]`:                           0,
		``: 0,
	} {
		if _, n, ok := syslog.Sequence([]byte(line)); n != want || ok != (want > 0) {
			t.Errorf("%q: got %d, %v, want %d", line, n, ok, want)
		}
	}
}

func TestOrderFindsWhatIsMissing(t *testing.T) {
	var o syslog.Order
	var got []int64
	for _, n := range []uint32{7, 8, 11, 9, 12, 12, 13, 1, 2, 4, 4000, 9_000_000, 9_000_001} {
		got = append(got, o.Note([]byte("gw"), n))
	}
	for i, want := range []int64{0, 0, 2, -1, 0, 0, 0, -1, -1, -1, 3986, 0, 0} {
		if got[i] != want {
			t.Errorf("number %d: got %d, want %d (all %v)", i, got[i], want, got)
		}
	}
	if n := o.Note([]byte("other"), 5); n != 0 {
		t.Errorf("got %d of another origin, want 0", n)
	}
}

func FuzzHeader(f *testing.F) {
	for _, seed := range []string{
		"<13>1 2026-03-28T12:00:00Z gw kernel - - - text", "Mar 28 12:00:00 gw app: x", "[Sat Mar 28 12:00:00 2026] x",
		`<134>1 - gw a 1 - [meta sequenceId="17" a="\""] x`, "[  203.842973] x",
	} {
		f.Add([]byte(seed))
	}
	r := syslog.NewReader(time.FixedZone("", 3600))
	f.Fuzz(func(t *testing.T, line []byte) {
		var h syslog.Header
		message := r.Read(line, newest, &h)
		if !bytes.Contains(line, message) || !bytes.Contains(line, h.Program) || !strings.HasSuffix(strings.TrimRight(string(line), "\r"), strings.TrimRight(string(message), "\r")) {
			t.Errorf("got %q of %q", message, line)
		}
		if h.Timeless != h.Time.IsZero() || h.Timeless && h.Zoneless {
			t.Errorf("got %+v", h)
		}
		if host, n, ok := syslog.Sequence(line); ok && (n > 1<<31-1 || !bytes.Contains(line, host)) {
			t.Errorf("got the sequence %d of %q", n, host)
		}
	})
}
