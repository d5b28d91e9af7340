package netflow

import "time"

// mostSeen is how many connections a generation of memory holds.
const mostSeen = 1 << 17

// How long after the end of a record another one is of the same connection, in
// seconds. Clients use the ports of TCP again, but not at once; UDP has no end.
const (
	graceOpening = 5
	grace        = 2 * 60
)

// A memory is which connections were seen, by who began them, in two
// generations.
type memory struct {
	now, before map[tuple]span
}

// A span is when a connection was seen, in seconds since 1970.
type span struct{ start, end uint32 }

func newMemory() memory { return memory{now: map[tuple]span{}} }

// note remembers a connection.
func (m *memory) note(t tuple, r *Record) {
	m.put(t, span{uint32(r.Start.Unix()), uint32(r.End.Unix())})
}

func (m *memory) put(t tuple, s span) {
	if len(m.now) >= mostSeen {
		m.before, m.now = m.now, make(map[tuple]span, mostSeen)
	}
	m.now[t] = s
}

// more says whether r is more of a connection that was seen, and remembers it as
// that.
func (m *memory) more(t tuple, r *Record) bool {
	s, ok := m.now[t]
	if !ok {
		s, ok = m.before[t]
	}
	if !ok || !s.holds(r) {
		return false
	}
	s.start, s.end = min(s.start, uint32(r.Start.Unix())), max(s.end, uint32(r.End.Unix()))
	m.put(t, s)
	return true
}

// holds says whether a record is of the connection of a span.
func (s span) holds(r *Record) bool {
	start, end := r.Start.Unix(), r.End.Unix()
	if end < int64(s.start)-grace {
		return false // an earlier one, exported later
	}
	flags := r.Flags | r.ReverseFlags
	switch {
	case r.Event == Began || r.Event == Denied:
		return start <= int64(s.start)+1 && start >= int64(s.start)-1 // told twice
	case r.Event != NoEvent:
		return start <= int64(s.end)+int64(time.Hour/time.Second)
	case r.Proto == tcp && flags&syn != 0:
		return start <= int64(s.end)+graceOpening
	case r.Proto == tcp && flags != 0:
		return true // the middle or the end of one
	}
	return start <= int64(s.end)+grace
}
