package source_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tripline/learn"
	"tripline/learn/source"
)

const zeekFixtures = "../../testdata/source/zeek/"

func openZeek(t testing.TB, path string, cursor []byte, o source.StreamOptions) source.Stream {
	t.Helper()
	src, err := source.Find("zeek")
	if err != nil {
		t.Fatal(err)
	}
	s, err := source.Open(src, path, cursor, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

var atHome = source.StreamOptions{Options: home, Whole: true}

// zeekLines is what up to limit records are understood as, one line of JSON each.
func zeekLines(t testing.TB, s source.Stream, limit int) (list []string) {
	t.Helper()
	var r source.Record
	for len(list) < limit {
		err := s.Next(&r)
		if errors.Is(err, io.EOF) {
			break
		}
		list = append(list, zeekLine(t, &r, err))
	}
	return list
}

func zeekLine(t testing.TB, r *source.Record, err error) string {
	t.Helper()
	var shown any = map[string]any{"flow": r.Flow, "state": r.Reason, "icmp": r.ICMP, "answer": r.Answer, "counted": r.Counted, "why": r.Why}
	if bad, ok := errors.AsType[*source.RecordError](err); ok {
		shown = map[string]any{"error": bad.Error()}
	} else if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(shown); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Columns and JSON of the same traffic are understood alike.
func TestZeekGolden(t *testing.T) {
	for path, want := range map[string]string{"columns": "columns.jsonl", "json": "columns.jsonl", "day": "day.jsonl", "bad.log": "bad.jsonl"} {
		got := zeekLines(t, openZeek(t, zeekFixtures+path, nil, atHome), everything)
		if path == "json" && *update {
			continue // columns are the reference
		}
		golden(t, zeekFixtures+want, []byte(strings.Join(got, "\n")+"\n"))
	}
}

// Each log alone is of use: connections with names, or answers.
func TestZeekReadsASingleLog(t *testing.T) {
	for log, want := range map[string]int{"conn": 16, "ssl": 6, "quic": 1, "http": 3, "dns": 0} {
		s := openZeek(t, zeekFixtures+"columns/"+log+".log", nil, atHome)
		var r source.Record
		counted, answers := 0, 0
		for s.Next(&r) == nil {
			if r.Counted {
				counted++
			}
			if r.Answer != nil {
				answers++
			}
		}
		if counted != want || (answers > 0) != (log == "dns") {
			t.Errorf("%s.log: got %d connections and %d answers, want %d connections", log, counted, answers, want)
		}
	}
}

// A restart at any record goes on with the next one, which is judged and named
// as if reading had never stopped.
func TestZeekGoesOnBehindItsCursor(t *testing.T) {
	for _, path := range []string{"columns", "json", "day", "bad.log", "columns/http.log", "json/ssl.log"} {
		want := zeekLines(t, openZeek(t, zeekFixtures+path, nil, atHome), everything)
		for n := 1; n < len(want); n++ {
			s := openZeek(t, zeekFixtures+path, nil, atHome)
			got := zeekLines(t, s, n)
			cursor, err := s.Cursor()
			if err != nil {
				t.Fatal(err)
			}
			again := openZeek(t, zeekFixtures+path, cursor, atHome)
			got = append(got, zeekLines(t, again, everything)...)
			if diff := cmp.Diff(want, got); diff != "" || again.Stats().Lost > 0 {
				t.Fatalf("%s: restart after %d of %d records (%d gaps):\n%s", path, n, len(want), again.Stats().Lost, diff)
			}
		}
	}
}

// What was read of a directory is known when one of its logs is read alone, and
// the other way round.
func TestZeekKnowsWhatItReadByAnotherName(t *testing.T) {
	keep := atHome
	keep.Keep, keep.Whole = true, false
	for first, second := range map[string]string{"day": "day/conn.12:00:00-13:00:00.log.gz", "columns": "columns/conn.log", "columns/ssl.log": "columns"} {
		s := openZeek(t, zeekFixtures+first, nil, keep)
		read := len(zeekLines(t, s, everything))
		left, err := s.Finished()
		if err != nil || read == 0 {
			t.Fatalf("%s: %d records, %v", first, read, err)
		}
		cursor, err := s.Cursor()
		if err != nil {
			t.Fatal(err)
		}
		o := keep
		o.Known = [][]byte{cursor}
		for _, place := range left {
			o.Known = append(o.Known, place)
		}
		want := 0
		if second == "columns" { // all but the six lines of ssl
			want = 40 - 6
		}
		if got := zeekLines(t, openZeek(t, zeekFixtures+second, nil, o), everything); len(got) != want {
			t.Errorf("%s after %s: got %d records, want %d:\n%s", second, first, len(got), want, strings.Join(got, "\n"))
		}
		relevant, err := source.Relevant(zeekFixtures+second, o.Known)
		if err != nil || len(relevant) == 0 {
			t.Errorf("%s after %s: got %d relevant places, %v; want some", second, first, len(relevant), err)
		}
	}
}

func connLine(i int) string {
	return fmt.Sprintf("%d.000000\tC%d\t192.0.2.50\t%d\t203.0.113.9\t443\ttcp\tssl\t1.0\t10\t20\tSF\tT\tF", 1774699200+i, i, 40000+i)
}

const shortHeader = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n" +
	"#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\n"

// begin starts a log as Zeek does, with the time in its header.
func begin(t *testing.T, file string, hour int, lines ...string) {
	t.Helper()
	text := fmt.Sprintf("%s#open\t2026-03-28-%02d-00-00\n", shortHeader, hour)
	if err := os.WriteFile(file, []byte(text+strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func addTo(t *testing.T, file string, lines ...string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString(strings.Join(lines, "\n") + "\n")
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// ports returns the source ports of the connections that come until there are
// as many as wanted.
func ports(t *testing.T, s source.Stream, want int) (list []uint16) {
	t.Helper()
	var r source.Record
	for end := time.Now().Add(10 * time.Second); len(list) < want && time.Now().Before(end); {
		err := s.Next(&r)
		switch {
		case errors.Is(err, io.EOF):
			if err := s.Wait(t.Context(), time.Second); err != nil {
				t.Fatal(err)
			}
		case err != nil:
			t.Fatal(err)
		case r.Counted:
			list = append(list, r.SrcPort)
		}
	}
	return list
}

// Zeek's own tools move a log of "current" to the directory of its day.
func rotate(t *testing.T, logs string, hour int) {
	t.Helper()
	day := filepath.Join(logs, "2026-03-28")
	if err := os.MkdirAll(day, 0o700); err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("conn.%02d:00:00-%02d:00:00.log", hour, hour+1)
	if err := os.Rename(filepath.Join(logs, "current", "conn.log"), filepath.Join(day, name)); err != nil {
		t.Fatal(err)
	}
}

func TestZeekFollowsADirectoryAcrossRotation(t *testing.T) {
	logs := t.TempDir()
	current := filepath.Join(logs, "current")
	if err := os.Mkdir(current, 0o700); err != nil {
		t.Fatal(err)
	}
	conn := filepath.Join(current, "conn.log")
	o := source.StreamOptions{Options: home, Follow: true}
	s := openZeek(t, current, nil, o) // nothing is there yet
	begin(t, conn, 12, connLine(1), connLine(2))
	got := ports(t, s, 2)
	addTo(t, conn, connLine(3), "#close\t2026-03-28-13-00-00")
	rotate(t, logs, 12)
	begin(t, conn, 13, connLine(4))
	got = append(got, ports(t, s, 2)...)
	cursor, err := s.Cursor()
	if err != nil {
		t.Fatal(err)
	}
	// While nobody reads, the log is rotated twice.
	addTo(t, conn, connLine(5))
	rotate(t, logs, 13)
	begin(t, conn, 14, connLine(6))
	rotate(t, logs, 14)
	begin(t, conn, 15, connLine(7))
	again := openZeek(t, current, cursor, o)
	got = append(got, ports(t, again, 3)...)
	if want := []uint16{40001, 40002, 40003, 40004, 40005, 40006, 40007}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if lost := s.Stats().Lost + again.Stats().Lost; lost > 0 {
		t.Errorf("%d gaps, want none", lost)
	}
}

func TestZeekRefusesWhatHoldsNoConnections(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
		return file
	}
	src, err := source.Find("zeek")
	if err != nil {
		t.Fatal(err)
	}
	day := write("logs/2026-03-28/conn.12:00:00-13:00:00.log", shortHeader)
	for path, want := range map[string]string{
		write("weird.log", "#separator \\x09\n#path\tweird\n#fields\tts\tuid\tname\n1.0\tC\tx\n"): `a Zeek log of "weird"`,
		write("tail.log", connLine(1)+"\n"):    "neither with # nor with {",
		write("page.log", "<!doctype html>"):   "an HTML page",
		filepath.Dir(write("empty/x.log", "")): "there is no conn.log",
		filepath.Dir(filepath.Dir(day)):        "there is no conn.log",
	} {
		s, err := source.Open(src, path, nil, atHome)
		if err == nil {
			err = s.Next(&source.Record{})
		}
		if err == nil || !strings.Contains(err.Error(), want) || learn.HintOf(err) == "" {
			t.Errorf("%s: got %v with hint %q, want %q", path, err, learn.HintOf(err), want)
		}
	}
}

// Names are evidence of connections until the log of connections is there: what
// they counted it does not count again.
func TestZeekCountsOnceWhereConnComesLater(t *testing.T) {
	dir := t.TempDir()
	put := func(log string) {
		text, err := os.ReadFile(zeekFixtures + "columns/" + log)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, log), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	counted := func(s source.Stream) (n int) {
		var r source.Record
		for s.Next(&r) == nil {
			if r.Counted {
				n++
			}
		}
		return n
	}
	put("ssl.log")
	put("quic.log")
	s := openZeek(t, dir, nil, atHome)
	before := counted(s)
	cursor, err := s.Cursor()
	if err != nil {
		t.Fatal(err)
	}
	put("conn.log")
	after := counted(openZeek(t, dir, cursor, atHome))
	if before != 6 || before+after != 16 {
		t.Errorf("got %d connections by their names and then %d, want 6 and 10", before, after)
	}
}
