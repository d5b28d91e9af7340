package netflow

import "time"

// A stream is what the datagrams of one domain have told about themselves.
type stream struct {
	known   bool
	next    uint32 // sequence number that is to come, 0 to 2^32
	before  uint32 // of the datagram before
	records uint32 // in the datagram before, where exporters of v9 count those
	blind   bool   // the datagram before had records that could not be counted
	late    uint32 // missing, and may still come
	booted  time.Time
}

// Distances of sequence numbers that are no gap: somebody began anew.
const (
	farAhead  = 1 << 20
	farBehind = 1 << 12
)

// arrive compares the sequence number of a datagram with what was to come and
// returns how many are missing; negative where some came late after all. What
// is counted are records in v5 and IPFIX, datagrams in v9.
func (s *stream) arrive(version uint16, seq uint32) (missing int64) {
	ahead := int32(seq - s.next)
	switch {
	case !s.known || s.blind || ahead == 0:
	case version == 9 && seq == s.before+s.records: // some count records there too
	case ahead > 0 && ahead < farAhead:
		missing = int64(ahead)
		s.late += uint32(ahead)
	case ahead < 0 && ahead > -farBehind && s.late > 0:
		return -1 // out of order; what was to come is still to come
	}
	s.known, s.blind = true, false
	s.before, s.next, s.records = seq, seq, 0
	if version == 9 {
		s.next = seq + 1
	}
	return missing
}

// count notes records of the datagram that arrived last.
func (s *stream) count(version uint16, n uint32) {
	if s.records += n; version != 9 {
		s.next += n
	}
}

// boot returns when the exporter's uptime was 0. Stamps of whole seconds make it
// up to a second too early; the latest is the best. A difference that is larger
// is a new boot, or a clock that was set.
func (s *stream) boot(exported time.Time, uptime uint32) time.Time {
	const jitter = 1500 * time.Millisecond
	booted := exported.Add(-time.Duration(uptime) * time.Millisecond)
	if d := booted.Sub(s.booted); d > 0 || d < -jitter {
		s.booted = booted
	}
	return s.booted
}
