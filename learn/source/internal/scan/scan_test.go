package scan_test

import (
	"net/netip"
	"strconv"
	"testing"
	"time"

	"tripline/learn/source/internal/scan"
)

func TestAddressesAreWhatNetipReads(t *testing.T) {
	for _, s := range addressSeeds {
		agree(t, s)
	}
}

var addressSeeds = []string{
	"192.0.2.1", "0.0.0.0", "255.255.255.255", "256.0.0.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1..2.3", ".1.2.3", "1.2.3.", "",
	"::", "::1", "1::", "2001:db8::1", "2001:DB8:0:0:1:2:3:4", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7",
	"1:2:3:4:5:6:7::", "::1:2:3:4:5:6:7", "::1:2:3:4:5:6:7:8", "1::2::3", ":1", "1:", ":", ":::", "12345::", "::ffff:192.0.2.1",
	"::192.0.2.1", "1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:7:192.0.2.1", "::1.2.3", "::g", "fe80::1%em0", "1:2:3:4:5:6:7:", "::1:",
}

// agree compares with the standard library, which allocates on errors and knows
// zones.
func agree(t *testing.T, s string) {
	t.Helper()
	want, err := netip.ParseAddr(s)
	ok := err == nil && want.Zone() == ""
	got, got4 := scan.IPv4([]byte(s))
	if got4 != (ok && want.Is4()) || got4 && got != want {
		t.Errorf("IPv4(%q): got %v %v, want %v %v", s, got, got4, want, ok)
	}
	got, got6 := scan.IPv6([]byte(s))
	if ok && want.Is4() {
		ok = false
	}
	if got6 != ok || got6 && got != want.Unmap() {
		t.Errorf("IPv6(%q): got %v %v, want %v %v", s, got, got6, want, ok)
	}
}

func FuzzAddress(f *testing.F) {
	for _, s := range addressSeeds {
		f.Add(s)
	}
	f.Fuzz(agree)
}

func TestNumbers(t *testing.T) {
	for _, s := range []string{"0", "7", "65535", "65536", "007", "", "-1", "+1", " 1", "1 ", "0x1", "99999999999999999999"} {
		want, err := strconv.ParseUint(s, 10, 16)
		got, ok := scan.Uint([]byte(s), 65535)
		if ok != (err == nil) || ok && got != want {
			t.Errorf("Uint(%q): got %d %v, want %d %v", s, got, ok, want, err == nil)
		}
	}
	if n, ok := scan.Int([]byte("-20")); n != -20 || !ok {
		t.Errorf("Int(-20): got %d %v", n, ok)
	}
}

func date(y int, m time.Month, d, hour int) time.Time {
	return time.Date(y, m, d, hour, 0, 0, 0, time.UTC)
}

func TestTheYearIsTheLatestThatIsNotInTheFuture(t *testing.T) {
	for _, c := range []struct {
		stamp  string
		newest time.Time
		want   time.Time
	}{
		{"Mar 28 12:00:00", date(2026, 3, 28, 12), date(2026, 3, 28, 12)},
		{"Mar 28 12:00:00", date(2026, 3, 27, 13), date(2026, 3, 28, 12)}, // clocks differ by less than a day
		{"Mar 28 12:00:00", date(2026, 3, 27, 11), date(2025, 3, 28, 12)},
		{"Dec 31 23:00:00", date(2026, 1, 1, 1), date(2025, 12, 31, 23)},
		{"Jan  1 01:00:00", date(2025, 12, 31, 23), date(2026, 1, 1, 1)},
		{"Jan 1 01:00:00", date(2026, 6, 1, 0), date(2026, 1, 1, 1)},
		{"Feb 29 12:00:00", date(2026, 6, 1, 0), date(2024, 2, 29, 12)},
		{"Feb 29 12:00:00", date(2103, 6, 1, 0), date(2096, 2, 29, 12)}, // 2100 has none
	} {
		var s scan.Stamp
		for range 2 { // the second time from memory
			got, n := s.BSD([]byte(c.stamp+" fw"), c.newest)
			if !got.Equal(c.want) || n != len(c.stamp) {
				t.Errorf("%s, newest %v: got %v (%d bytes), want %v", c.stamp, c.newest, got, n, c.want)
			}
		}
	}
}

func TestStampsWithoutAZoneUseTheFirewalls(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	s := scan.Stamp{Zone: zone}
	got, _ := s.BSD([]byte("Jul  3 12:00:00 fw"), date(2026, 7, 4, 0))
	if want := date(2026, 7, 3, 10); !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	// The morning after the clocks changed is not an hour off.
	got, _ = s.BSD([]byte("Mar 29 12:00:00 fw"), date(2026, 7, 4, 0))
	if want := date(2026, 3, 29, 10); !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	got, _, zoned := s.ISO([]byte("2026-01-21T11:07:29\tx"))
	if want := time.Date(2026, 1, 21, 10, 7, 29, 0, time.UTC); !got.Equal(want) || zoned {
		t.Errorf("got %v zoned %v, want %v", got, zoned, want)
	}
}

func TestISOStampsAreWhatTimeParses(t *testing.T) {
	var s scan.Stamp
	for _, text := range []string{
		"2026-03-28T12:00:00Z", "2026-03-28T12:00:00.123456-05:00", "1999-12-31T23:59:59+14:00", "2000-02-29T00:00:00Z",
		"1900-02-28T00:00:00Z", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z", "0001-01-01T00:00:00Z",
		"2026-01-01T00:00:00.123456789123Z", "9999-12-31T23:59:59Z",
	} {
		want, err := time.Parse(time.RFC3339Nano, text)
		got, n, zoned := s.ISO([]byte(text))
		if (n == len(text)) != (err == nil) || err == nil && (!zoned || !got.Equal(want)) {
			t.Errorf("%s: got %v (%d bytes, zoned %v), want %v %v", text, got, n, zoned, want, err)
		}
	}
}

func FuzzStamp(f *testing.F) {
	f.Add("Mar 28 12:00:00 fw")
	f.Add("2026-03-28T12:00:00.1+02:00 fw")
	f.Add("Feb 29 23:59:60 ")
	f.Fuzz(func(t *testing.T, text string) {
		var s scan.Stamp
		newest := date(2026, 3, 28, 0)
		got, n := s.BSD([]byte(text), newest)
		if n > len(text) || n > 0 && (got.IsZero() || got.After(newest.Add(24*time.Hour))) {
			t.Errorf("BSD(%q): got %v of %d bytes", text, got, n)
		}
		if got, n, _ := s.ISO([]byte(text)); n > len(text) || n > 0 && got.Location() != time.UTC {
			t.Errorf("ISO(%q): got %v of %d bytes", text, got, n)
		}
	})
}

func TestWordsAreBoundedAndPrintable(t *testing.T) {
	var w scan.Words
	var last scan.Last
	for i := range 10_000 {
		want := strconv.Itoa(i)
		if got, ok := w.Get(&last, []byte(want)); got != want || !ok {
			t.Fatalf("got %q %v, want %q", got, ok, want)
		}
	}
	for _, bad := range []string{"\x1b[2J", "é", "a\x00", string(make([]byte, 300))} {
		if got, ok := w.Get(&last, []byte(bad)); ok {
			t.Errorf("%q was taken as %q", bad, got)
		}
	}
}
