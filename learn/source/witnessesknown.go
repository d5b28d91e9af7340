package source

import (
	"net/netip"
	"slices"
	"time"

	"tripline/learn"
)

// A tie is what all witnesses of a connection have in common.
type tie struct {
	proto        learn.Proto
	src, dst     netip.Addr
	sport, dport uint16
}

// Ends are where a connection begins and where it goes.
type Ends struct {
	Src     netip.Addr `json:"src"`
	Dst     netip.Addr `json:"dst"`
	SrcPort uint16     `json:"sport"`
	DstPort uint16     `json:"dport"`
}

// ties are those of a connection before its addresses were translated, and after
// that where it is known.
func (s *witnessed) ties() []tie {
	f := &s.Record.Flow
	list := []tie{{f.Proto, f.Src, f.Dst, f.SrcPort, f.DstPort}}
	if t := s.Record.Translated; t != (Ends{}) {
		list = append(list, tie{f.Proto, t.Src, t.Dst, t.SrcPort, t.DstPort})
	}
	return list
}

// mostAlike bounds how many connections with the same tie wait for their other
// witnesses: a source that writes them when they end is not in their order.
const mostAlike = 16

// Acquainted are the connections that are known, by their ties: what is in the
// queue, or was lately.
type acquainted struct{ last, before map[tie][]*witnessed }

func newAcquainted() acquainted {
	return acquainted{last: map[tie][]*witnessed{}, before: map[tie][]*witnessed{}}
}

// remember keeps a connection for its other witnesses, with those before it that
// have the same tie: ICMP has no ports, and ports are used again.
func (m *acquainted) remember(s *witnessed) {
	for _, t := range s.ties() {
		if len(m.last) >= mostWitnessed {
			m.before, m.last = m.last, map[tie][]*witnessed{}
		}
		all := m.last[t]
		if slices.Contains(all, s) {
			continue
		}
		if len(all) >= mostAlike {
			all = slices.Clone(all[1:])
		}
		m.last[t] = append(all, s)
	}
}

// alike returns the connections with a tie, the oldest first.
func (m *acquainted) alike(t tie) []*witnessed {
	if len(m.before[t]) == 0 {
		return m.last[t]
	}
	return append(slices.Clone(m.before[t]), m.last[t]...)
}

// known returns the witnessed of the same connection by another source: the
// first that this one has not seen yet.
func (w *witnesses) known(s *witnessed, by string) *witnessed {
	for _, t := range s.ties() {
		all := w.memory.alike(t)
		for _, k := range all {
			if !slices.Contains(k.By, by) && w.clocks.apart(k, s, by).Abs() <= sameTime {
				return k
			}
		}
		if len(all) != 1 || !unlikely(t) || slices.Contains(all[0].By, by) {
			continue
		}
		far := mostApart
		if w.clocks.are(by, all[0].By[0]) {
			far = mostSet
		}
		if w.clocks.apart(all[0], s, by).Abs() <= far {
			return all[0]
		}
	}
	return nil
}

// How far apart two clocks may be: one may be in another zone; and how far one is
// set at most once that is known.
const (
	mostApart = 14*time.Hour + sameTime
	mostSet   = time.Hour
)

// unlikely says whether no two connections of a day have the same ends: it has a
// port that its client was given.
func unlikely(t tie) bool { return t.proto.HasPorts() && t.sport >= 1024 && t.sport != t.dport }

// sawAlike says whether a source told of a connection with the same ends at all:
// sources do not agree when an exchange of datagrams is a new one.
func (w *witnesses) sawAlike(s *witnessed, by string) bool {
	for _, t := range s.ties() {
		for _, k := range w.memory.alike(t) {
			if slices.Contains(k.By, by) {
				return true
			}
		}
	}
	return false
}
