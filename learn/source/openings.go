package source

import (
	"net/netip"
	"time"

	"tripline/learn"
)

// mostOpenings bounds what is remembered of connections by each of two
// generations.
const mostOpenings = 1 << 15

// sockets are connections by the cookies of their sockets: two generations, of
// which the older is forgotten when there are too many.
type sockets struct{ young, old map[uint64]*opening }

func newSockets() sockets { return sockets{map[uint64]*opening{}, map[uint64]*opening{}} }

func (s *sockets) add(o *opening) {
	if len(s.young) >= mostOpenings {
		s.young, s.old = map[uint64]*opening{}, s.young
	}
	s.young[o.cookie] = o
}

func (s *sockets) get(cookie uint64) *opening {
	if o := s.young[cookie]; o != nil {
		return o
	}
	return s.old[cookie]
}

func (s *sockets) drop(cookie uint64) {
	delete(s.young, cookie)
	delete(s.old, cookie)
}

// A meeting is what a process and a packet agree on: the source's address may not
// be known to the one, nor its port.
type meeting struct {
	proto        learn.Proto
	dst          netip.Addr
	sport, dport uint16
}

// openings are connections that were begun lately, by what they can be found by:
// also two generations.
type openings struct {
	young, old map[meeting][]*opening
	count      int
}

func newOpenings() openings {
	return openings{young: map[meeting][]*opening{}, old: map[meeting][]*opening{}}
}

// mostMeetings bounds those that only differ by their time.
const mostMeetings = 256

func (s *openings) add(o *opening) {
	if s.count++; s.count >= mostOpenings {
		s.young, s.old, s.count = map[meeting][]*opening{}, s.young, 0
	}
	m := meeting{o.Proto, o.Dst, o.SrcPort, o.DstPort}
	list := s.young[m]
	if len(list) >= mostMeetings {
		list = list[len(list)-mostMeetings/2:]
	}
	s.young[m] = append(list, o)
}

// How far apart a process and its packet may be stamped: the process comes first,
// by as much as a name or an answer takes; and what is known by its destination
// alone only for a moment.
const (
	longAgo   = 10 * time.Minute
	aMoment   = 3 * time.Second
	clockStep = 50 * time.Millisecond
)

// find returns the connection of f: the one with its port, else the last with its
// destination whose port is not known and that nobody has claimed.
func (s *openings) find(f *learn.Flow) *opening {
	m := meeting{f.Proto, f.Dst, f.SrcPort, f.DstPort}
	if o := s.latest(m, f, longAgo); o != nil {
		return o
	}
	m.sport = 0
	return s.latest(m, f, aMoment)
}

// latest returns the last before f that can be it.
func (s *openings) latest(m meeting, f *learn.Flow, within time.Duration) (best *opening) {
	for _, g := range []map[meeting][]*opening{s.old, s.young} {
		for _, o := range g[m] {
			age := f.Time.Sub(o.Time)
			switch {
			case age < -clockStep || age > within:
			case m.sport == 0 && (o.claimed || o.SrcPort != 0): // another's, or found by its port
			case o.Src.IsValid() && f.Src.IsValid() && o.Src != f.Src:
			default:
				best = o
			}
		}
	}
	return best
}
