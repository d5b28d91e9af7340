package scan

import "time"

// A Stamp reads the time stamps of one log. Zone is where stamps without a zone
// were written; nil is UTC. All times come back in UTC.
type Stamp struct {
	Zone *time.Location
	text [20]byte // the last BSD stamp and what it meant
	size int
	near time.Time
	was  time.Time
}

// BSD reads "Mar 28 12:00:00" (RFC 3164) at the start of b and says how long it
// was, 0 if there is none. Such a stamp has no year: it is the latest that puts
// it no later than one day after newest.
func (s *Stamp) BSD(b []byte, newest time.Time) (t time.Time, size int) {
	if n := s.size; n > 0 && len(b) >= n && string(b[:n]) == string(s.text[:n]) && newest.Equal(s.near) {
		return s.was, n
	}
	month, day, at := monthDay(b)
	if at == 0 {
		return t, 0
	}
	clock, ok := clockOf(b[at:])
	if !ok {
		return t, 0
	}
	if t = s.latest(month, day, clock, newest); t.IsZero() {
		return t, 0
	}
	size = at + len("12:00:00")
	s.size, s.near, s.was = copy(s.text[:], b[:size]), newest, t
	return t, size
}

// monthDay reads "Mar 28 " or "Jul  3 ", and "Jul 3 " that some programs write.
func monthDay(b []byte) (m time.Month, day, size int) {
	if len(b) < len("Jul 3 12:00:00") || b[3] != ' ' {
		return 0, 0, 0
	}
	m = monthOf(b[:3])
	at := 4
	if b[at] == ' ' {
		at++
	}
	for ; at < 6 && b[at]-'0' <= 9; at++ {
		day = day*10 + int(b[at]-'0')
	}
	if m == 0 || day < 1 || day > 31 || b[at] != ' ' {
		return 0, 0, 0
	}
	return m, day, at + 1
}

func monthOf(b []byte) time.Month {
	const names = "JanFebMarAprMayJunJulAugSepOctNovDec"
	for i := 0; i < len(names); i += 3 {
		if string(b) == names[i:i+3] {
			return time.Month(i/3 + 1)
		}
	}
	return 0
}

// clockOf reads "12:00:00". A leap second is allowed.
func clockOf(b []byte) (time.Duration, bool) {
	if len(b) < 8 || b[2] != ':' || b[5] != ':' {
		return 0, false
	}
	h, ok1 := two(b)
	m, ok2 := two(b[3:])
	s, ok3 := two(b[6:])
	d := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second
	return d, ok1 && ok2 && ok3 && h < 24 && m < 60 && s < 61
}

// latest finds the year. Nine years back is far enough: the longest stretch
// without a 29 February is eight.
func (s *Stamp) latest(m time.Month, day int, clock time.Duration, newest time.Time) time.Time {
	zone := s.zone()
	limit := newest.Add(24 * time.Hour)
	year := limit.In(zone).Year()
	for y := year; y > year-9; y-- {
		if day > daysIn(m, y) {
			continue
		}
		if t := local(y, m, day, clock, zone); !t.After(limit) {
			return t.UTC()
		}
	}
	return time.Time{}
}

// local is what the clocks of zone called this time; on the two days of a year
// when they change, adding the clock to midnight would be an hour off.
func local(y int, m time.Month, day int, clock time.Duration, zone *time.Location) time.Time {
	return time.Date(y, m, day, 0, 0, int(clock/time.Second), 0, zone)
}

func (s *Stamp) zone() *time.Location {
	if s.Zone == nil {
		return time.UTC
	}
	return s.Zone
}

// ISO reads "2026-03-28T12:00:00" with a fraction or not and with a zone or not
// (RFC 3339 and RFC 5424) at the start of b, and says how long it was, 0 if there
// is none. Zoned says whether it had a zone.
func (s *Stamp) ISO(b []byte) (t time.Time, size int, zoned bool) {
	y, m, d, ok := dateOf(b)
	if !ok || len(b) < 19 || b[10] != 'T' {
		return t, 0, false
	}
	clock, ok := clockOf(b[11:])
	if !ok {
		return t, 0, false
	}
	nanos, size := fraction(b, 19)
	offset, length := zoneOf(b[size:])
	if length == 0 {
		t = local(y, m, d, clock, s.zone()).Add(time.Duration(nanos)).UTC()
		return t, size, false
	}
	seconds := daysSince1970(y, int(m), d)*86400 + int64(clock/time.Second) - offset
	return time.Unix(seconds, nanos).UTC(), size + length, true
}

// dateOf reads "2026-03-28" and refuses days that do not exist.
func dateOf(b []byte) (y int, m time.Month, d int, ok bool) {
	if len(b) < 10 || b[4] != '-' || b[7] != '-' {
		return 0, 0, 0, false
	}
	hi, ok1 := two(b)
	lo, ok2 := two(b[2:])
	month, ok3 := two(b[5:])
	d, ok4 := two(b[8:])
	if !ok1 || !ok2 || !ok3 || !ok4 || month < 1 || month > 12 {
		return 0, 0, 0, false
	}
	y, m = hi*100+lo, time.Month(month)
	return y, m, d, y > 0 && d >= 1 && d <= daysIn(m, y)
}

// fraction reads ".123456" at b[at:] as nanoseconds; what is finer is dropped.
func fraction(b []byte, at int) (nanos int64, end int) {
	if at+1 >= len(b) || b[at] != '.' || b[at+1]-'0' > 9 {
		return 0, at
	}
	unit := int64(1e8)
	for at++; at < len(b) && b[at]-'0' <= 9; at++ {
		nanos += int64(b[at]-'0') * unit
		unit /= 10
	}
	return nanos, at
}

// zoneOf reads "Z", "+02:00" or "-0500" as seconds east of UTC.
func zoneOf(b []byte) (offset int64, size int) {
	if len(b) > 0 && (b[0] == 'Z' || b[0] == 'z') {
		return 0, 1
	}
	if len(b) < 5 || b[0] != '+' && b[0] != '-' {
		return 0, 0
	}
	size = 5
	if b[3] == ':' {
		size = 6
	}
	h, ok1 := two(b[1:])
	m, ok2 := two(b[min(size-2, len(b)):])
	if !ok1 || !ok2 || h > 23 || m > 59 {
		return 0, 0
	}
	offset = int64(h)*3600 + int64(m)*60
	if b[0] == '-' {
		offset = -offset
	}
	return offset, size
}

func daysIn(m time.Month, y int) int {
	switch m {
	case time.April, time.June, time.September, time.November:
		return 30
	case time.February:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	default:
		return 31
	}
}

// daysSince1970 counts in years that begin in March, so that the leap day comes
// last: 153 days in each five months from there.
func daysSince1970(y, m, d int) int64 {
	if m -= 3; m < 0 {
		m += 12
		y--
	}
	return int64(365*y + y/4 - y/100 + y/400 + (153*m+2)/5 + d - 1 - 719468)
}
