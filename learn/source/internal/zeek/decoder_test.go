package zeek_test

import (
	"fmt"
	"testing"
	"time"

	"tripline/learn/source/internal/scan"
	"tripline/learn/source/internal/zeek"
)

// at is a line of conn with that time, in JSON.
func at(ts string) []byte {
	return fmt.Appendf(nil, `{"ts":%s,"uid":"C1","id.orig_h":"192.0.2.1","id.resp_h":"198.51.100.1","proto":"tcp","conn_state":"SF"}`, ts)
}

func TestTimesOfAllForms(t *testing.T) {
	noon := time.Date(2026, 3, 28, 12, 0, 0, 250_000_000, time.UTC)
	for ts, want := range map[string]time.Time{
		`1774699200.25`: noon, `1774699200.250000`: noon, `1774699200.2500001`: noon, `"2026-03-28T12:00:00.250000Z"`: noon,
		`1774699200250`: noon, `1774699200250.0`: noon, `1.77469920025e9`: noon,
		`0`: time.Unix(0, 0).UTC(), `19.981745`: time.Unix(19, 981_745_000).UTC(), `0.9999996`: time.Unix(1, 0).UTC(), `1e-05`: time.Unix(0, 10_000).UTC(),
		`"2026-03-28T12:00:00"`: {}, `-1`: {}, `1.5.5`: {}, `"noon"`: {}, `true`: {}, `1e400`: {}, `99999999999999999999`: {},
	} {
		var l zeek.Line
		read, err := zeek.New().Decode(at(ts), &l)
		if want.IsZero() && (err == nil || err.Cause != scan.BadTime) || !want.IsZero() && (!read || !l.Time.Equal(want)) {
			t.Errorf("%s: got %v, %v, want %v", ts, l.Time, err, want)
		}
	}
}

// Keys may come in any order, be left out, and be many: a line never changes how
// the next one is understood.
func TestKeysInAnyOrder(t *testing.T) {
	d := zeek.New()
	var l zeek.Line
	for i := range 2000 {
		extra := fmt.Sprintf(`"k%d":"v","id.resp_p":%d,`, i%700, i%60000)
		line := []byte(`{` + extra + `"conn_state":"S0","proto":"udp","id.resp_h":"198.51.100.1","id.orig_h":"192.0.2.1","ts":1.5}`)
		if i%3 == 0 {
			line = at("2.5")
		}
		read, err := d.Decode(line, &l)
		if !read || i%3 != 0 && (int(l.DstPort) != i%60000 || l.Proto != 17) || i%3 == 0 && (l.Proto != 6 || l.State != "SF") {
			t.Fatalf("line %d: got %+v, %v", i, l, err)
		}
	}
}

// What is read costs no memory of its own.
func TestDecodingAllocatesNothing(t *testing.T) {
	d := zeek.New()
	var l zeek.Line
	tsv, object, _, _ := benchConns(2)
	_, _ = d.Decode([]byte(connColumns), &l)
	_, _ = d.Decode(object[0], &l)
	for _, line := range [][]byte{tsv[1], object[1]} {
		if n := testing.AllocsPerRun(100, func() { _, _ = d.Decode(line, &l) }); n > 0 {
			t.Errorf("%s: %v allocations", line, n)
		}
	}
}
