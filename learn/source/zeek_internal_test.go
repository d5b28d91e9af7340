package source

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tripline/learn"
)

// FuzzZeek reads any text, line by line, stops somewhere and goes on.
func FuzzZeek(f *testing.F) {
	seeds, err := filepath.Glob("../../testdata/source/zeek/*/*.log")
	if err != nil || len(seeds) == 0 {
		f.Fatal("no seeds")
	}
	for _, file := range append(seeds, "../../testdata/source/zeek/bad.log") {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, uint8(9), true)
		f.Add(text, uint8(3), false)
	}
	f.Add([]byte("#separator \\xff\n#path\tc\xff\n#fields\tts\tuid\xff\n1\t2\n"), uint8(3), true)
	f.Fuzz(func(t *testing.T, text []byte, stop uint8, alone bool) {
		p := newZeekParser(Options{}, newSightings(alone))
		q := newZeekParser(Options{}, newSightings(alone))
		for i, line := range bytes.Split(text, []byte("\n")) {
			if i == int(stop) {
				restart(t, p, q)
			}
			var r, s Record
			kept := bytes.Clone(line)
			err := p.Parse(line, time.Time{}, &r)
			check(t, &r, err)
			clear(line) // a record owns what it holds
			again := q.Parse(kept, time.Time{}, &s)
			if diff := cmp.Diff(s, r, cmpopts.EquateComparable(netip.Addr{})); diff != "" || (err == nil) != (again == nil) {
				t.Fatalf("line %d: after a restart %v, else %v:\n%s", i+1, err, again, diff)
			}
		}
	})
}

// restart makes p what it is after a restart, where so little was seen that all
// of it is kept.
func restart(t *testing.T, p, q *zeekParser) {
	t.Helper()
	state, seen := p.State(), p.seen.State()
	*p = *newZeekParser(Options{}, newSightings(p.seen.alone))
	if err := errors.Join(p.Restore(state), p.seen.Restore(seen)); err != nil {
		t.Fatal(err)
	}
	if got := p.State(); !bytes.Equal(got, q.State()) {
		t.Fatalf("got the state %q, want %q", got, q.State())
	}
}

func check(t *testing.T, r *Record, err error) {
	t.Helper()
	if err != nil {
		bad, ok := errors.AsType[*RecordError](err)
		if !ok || bad.Cause == "" || !cmp.Equal(*r, Record{}, cmpopts.EquateComparable(netip.Addr{})) {
			t.Fatalf("got %#v with %v", err, *r)
		}
		return
	}
	if !whole(r.Src) || !whole(r.Dst) || r.Time.IsZero() || r.Why == "" || r.Proto == 0 && r.Counted {
		t.Fatalf("got %+v", *r)
	}
	names := []string{r.Name}
	if a := r.Answer; a != nil {
		names = append(append(names, a.Name), a.Chain...)
		for _, addr := range a.Addrs {
			if !whole(addr) {
				t.Fatalf("got the answer %+v", *a)
			}
		}
		if a.Name == "" || len(a.Addrs) == 0 || r.Counted {
			t.Fatalf("got the answer %+v, counted %v", *a, r.Counted)
		}
	}
	for _, name := range names {
		if canonical, _ := learn.CanonicalName(name); canonical != name {
			t.Fatalf("got the name %q", name)
		}
	}
	if (r.Name == "") != (r.Evidence == learn.Unnamed) {
		t.Fatalf("got the name %q by %q", r.Name, r.Evidence)
	}
}

func whole(a netip.Addr) bool { return a.IsValid() && a == a.Unmap() && a.Zone() == "" }

// A flood of connections that never end costs bounded memory and small cursors.
func TestZeekRemembersWithinBounds(t *testing.T) {
	for _, alone := range []bool{true, false} {
		s := newSightings(alone)
		for i := range uint64(3*mostSightings + 5) {
			s.note(i*2+1, fmt.Sprintf("a-name-that-is-rather-long-%d.example.com", i%5000), learn.SNI)
		}
		if n := len(s.now) + len(s.before); n > 2*mostSightings || n < mostSightings {
			t.Errorf("alone %v: %d connections are remembered", alone, n)
		}
		limit := maxLeftState / 2 // a header goes with it
		if !alone {
			limit = 32 << 10
		}
		if size := len(s.State()); size > limit || size == 0 {
			t.Errorf("alone %v: a state of %d bytes", alone, size)
		}
	}
	var names nameCache
	for i := range 3 * mostNamesKnown {
		names.get(fmt.Appendf(nil, "%d.example.com", i))
	}
	if len(names.known) > mostNamesKnown {
		t.Errorf("%d names are remembered", len(names.known))
	}
}

// BenchmarkZeek reads conn alone, and judges.
func BenchmarkZeek(b *testing.B) {
	for _, form := range []string{"columns", "json"} {
		b.Run(form, func(b *testing.B) {
			lines, size := zeekBenchLines(b, form)
			p := newZeekParser(Options{}, newSightings(true))
			var r Record
			b.SetBytes(size / int64(len(lines)))
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if err := p.Parse(lines[i], time.Time{}, &r); err != nil {
					if bad, ok := errors.AsType[*RecordError](err); !ok || bad.Cause != headerLine {
						b.Fatal(err)
					}
				}
				if i++; i == len(lines) {
					i = 0
				}
			}
		})
	}
}

// zeekBenchLines are many connections like one of the samples.
func zeekBenchLines(b *testing.B, form string) (lines [][]byte, size int64) {
	b.Helper()
	text, err := os.ReadFile("../../testdata/source/zeek/" + form + "/conn.log")
	if err != nil {
		b.Fatal(err)
	}
	const uid = "CTlsB1bbbbbbbbbb01"
	for line := range bytes.Lines(text) {
		if line[0] == '#' {
			lines = append(lines, bytes.TrimSpace(line))
		}
		for i := 0; bytes.Contains(line, []byte(uid)) && i < 50_000; i++ {
			lines = append(lines, bytes.Replace(bytes.TrimSpace(line), []byte(uid), fmt.Appendf(nil, "CTlsB1bbbb%08d", i), 1))
			size += int64(len(line))
		}
	}
	return lines, size
}
