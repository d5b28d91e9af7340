package source_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tripline/learn/source"
)

const (
	atFirewall = "2026-03-02T08:00:%02d+00:00 fw filterlog[1]: 5,,,1000000103,em1,match,pass,in,4,0x0,,64,1,0,DF,6,tcp,60,192.0.2.50,203.0.113.7,%d,443,0,S,1,,64240,,mss\n"
	onHost     = "2026-03-02T08:00:%02d+00:00 gw kernel: [UFW ALLOW] IN=br0 OUT=wan0 SRC=192.0.2.50 DST=203.0.113.7 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=1 DF PROTO=TCP SPT=%d DPT=443 WINDOW=64240 RES=0x00 SYN URGP=0\n"
)

// more reads what there is now, behind a cursor, and up to so many connections.
func more(t *testing.T, inputs []source.Input, cursor []byte, most int, follow bool) (ports []uint16, at []byte) {
	t.Helper()
	src, path := source.Together(inputs)
	s, err := source.Open(src, path, cursor, source.StreamOptions{Options: home, Follow: follow, Settle: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var r source.Record
	var settled time.Time
	for len(ports) < most {
		err := s.Next(&r)
		if errors.Is(err, io.EOF) && follow && (settled.IsZero() || time.Now().Before(settled)) {
			if settled.IsZero() {
				settled = time.Now().Add(100 * time.Millisecond)
			}
			_ = s.Wait(t.Context(), 20*time.Millisecond) // what the next Next says counts
			continue
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if r.Counted {
			ports = append(ports, r.SrcPort)
		}
	}
	if at, err = s.Cursor(); err != nil {
		t.Fatal(err)
	}
	return ports, at
}

func appended(t *testing.T, path, text string) string {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSecondWitnessAfterARestartIsNoNewConnection(t *testing.T) {
	dir := t.TempDir()
	first := appended(t, filepath.Join(dir, "filter.log"), fmt.Sprintf(atFirewall, 1, 40001)+fmt.Sprintf(atFirewall, 2, 40002))
	second := appended(t, filepath.Join(dir, "kern.log"), "")
	inputs := []source.Input{{Source: found(t, "filterlog"), Path: first}, {Source: found(t, "netfilter"), Path: second}}
	ports, at := more(t, inputs, nil, 10, true)
	if len(ports) != 2 {
		t.Fatalf("got %v, want two connections", ports)
	}
	appended(t, second, fmt.Sprintf(onHost, 1, 40001))
	ports, at = more(t, inputs, at, 10, true)
	if len(ports) != 0 {
		t.Errorf("after a restart: got %v, want none: it was seen before", ports)
	}
	appended(t, second, fmt.Sprintf(onHost, 2, 40002)+fmt.Sprintf(onHost, 3, 40003))
	if ports, _ = more(t, inputs, at, 10, true); len(ports) != 1 {
		t.Errorf("after another one: got %v, want the one that is new", ports)
	}
}

func TestWhatWaitedForAWitnessIsToldWhenFollowing(t *testing.T) {
	dir := t.TempDir()
	text := ""
	for i := range 10 {
		text += fmt.Sprintf(atFirewall, 2*i, 40000+i)
	}
	first := appended(t, filepath.Join(dir, "filter.log"), text)
	second := appended(t, filepath.Join(dir, "kern.log"), "")
	inputs := []source.Input{{Source: found(t, "filterlog"), Path: first}, {Source: found(t, "netfilter"), Path: second}}
	begun, at := more(t, inputs, nil, 3, false)
	rest, _ := more(t, inputs, at, 20, true)
	if len(begun)+len(rest) != 10 {
		t.Errorf("got %v and then %v, want ten connections", begun, rest)
	}
}
