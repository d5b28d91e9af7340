package netflow

import "time"

func (t *exporterTimes) set(k kind, v uint64) {
	const second, milli = int64(time.Second), int64(time.Millisecond)
	switch k {
	case firstSwitched:
		t.first, t.hasUptime = uint32(v), true
	case lastSwitched:
		t.last, t.hasUptime = uint32(v), true
	case systemInit:
		t.boot = int64(v) * milli
	case startSeconds:
		t.start = int64(v) * second
	case startMillis:
		t.start = int64(v) * milli
	case startMicros:
		t.start = ntp(v, int64(time.Microsecond))
	case startNanos:
		t.start = ntp(v, 1)
	case startDelta:
		t.deltaStart, t.hasDelta = uint32(v), true
	case endSeconds:
		t.end = int64(v) * second
	case endMillis:
		t.end = int64(v) * milli
	case endMicros:
		t.end = ntp(v, int64(time.Microsecond))
	case endNanos:
		t.end = ntp(v, 1)
	case endDelta:
		t.deltaEnd, t.hasDelta = uint32(v), true
	default:
		t.setEvent(k, v)
	}
}

func (t *exporterTimes) setEvent(k kind, v uint64) {
	switch k {
	case eventSeconds:
		t.event = int64(v) * int64(time.Second)
	case eventMillis:
		t.event = int64(v) * int64(time.Millisecond)
	case eventMicros:
		t.event = ntp(v, int64(time.Microsecond))
	case eventNanos:
		t.event = ntp(v, 1)
	default: // every other kind is another's
	}
}

// ntp converts a time stamp of NTP (RFC 7011, section 6.1.9). Some exporters
// count from 1970 instead, in the unit of the element: small numbers are that.
func ntp(v uint64, unit int64) int64 {
	const from1900 = 2208988800
	seconds := int64(v >> 32)
	if seconds < from1900 {
		return int64(v) * unit
	}
	return (seconds-from1900)*int64(time.Second) + int64(v&0xffffffff*uint64(time.Second)>>32)
}

// implausible is how far from the time of its export a flow does not begin: the
// longest count of milliseconds in 32 bits has 50 days.
const implausible = 60 * 24 * time.Hour

// resolve sets Start and End. Booted is when the exporter's uptime was 0, which
// NetFlow says and IPFIX does not: then it is the zero time.
func (r *Record) resolve(exported, booted time.Time) {
	at := func(ns int64) time.Time { return time.Unix(0, ns).UTC() }
	start, end := exported, exported
	switch t := &r.exporterTimes; {
	case t.start != 0:
		start = at(t.start)
		if end = start; t.end != 0 {
			end = at(t.end)
		}
	case t.hasDelta:
		start = exported.Add(-time.Duration(t.deltaStart) * time.Microsecond)
		end = exported.Add(-time.Duration(t.deltaEnd) * time.Microsecond)
	case t.event != 0:
		start, end = at(t.event), at(t.event)
	case t.hasUptime && t.boot != 0:
		start = at(t.boot).Add(time.Duration(t.first) * time.Millisecond)
		end = at(t.boot).Add(time.Duration(t.last) * time.Millisecond)
	case t.first == 0 && t.last == 0: // the exporter does not say
	case t.hasUptime && booted.IsZero():
		start = exported.Add(sinceBoot(t.first, t.last))
	case t.hasUptime:
		now := uint32(exported.Sub(booted) / time.Millisecond)
		start, end = exported.Add(sinceBoot(t.first, now)), exported.Add(sinceBoot(t.last, now))
	}
	if d := start.Sub(exported); d > implausible || d < -implausible {
		start, end = exported, exported
	}
	r.Start, r.End = start, later(start, end)
}

// sinceBoot is how long after now t was, negative if it was before. Both wrap
// after 50 days.
func sinceBoot(t, now uint32) time.Duration {
	return time.Duration(int32(t-now)) * time.Millisecond
}

func later(a, b time.Time) time.Time {
	if b.Before(a) {
		return a
	}
	return b
}
