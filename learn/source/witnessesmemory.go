package source

import (
	"net/netip"
	"slices"
	"time"

	"tripline/learn"
)

// A beheld is what is kept of a connection that was returned while its sources
// are followed: one of them may write it only when it ends, after a restart.
type beheld struct {
	Proto learn.Proto    `json:"proto"`
	Src   netip.AddrPort `json:"src"`
	Dst   netip.AddrPort `json:"dst"`
	Time  int64          `json:"time"` // microseconds since 1970
	By    []int          `json:"by"`   // which of the parts
	Out   Ends           `json:"out,omitzero"`
}

// What is kept is bounded, as it is written every second: the newest ones.
const (
	mostBeheld = 1 << 10
	beheldAge  = time.Hour
)

// keep remembers a connection that others may still tell of, for the cursor.
func (w *witnesses) keep(s *witnessed) {
	w.sighted = append(w.sighted, s)
	if len(w.sighted) >= 2*mostBeheld {
		w.sighted = slices.Clone(w.sighted[mostBeheld:])
	}
}

// beheldBefore returns what is kept: what not all have told of, and not long ago.
func (w *witnesses) beheldBefore() (list []beheld) {
	if len(w.sighted) == 0 {
		return nil
	}
	newest := w.sighted[len(w.sighted)-1].Record.Time
	for _, s := range w.sighted[max(0, len(w.sighted)-mostBeheld):] {
		if f := &s.Record.Flow; len(s.By) < len(w.branches) && newest.Sub(f.Time) <= beheldAge {
			list = append(list, beheld{
				f.Proto, netip.AddrPortFrom(f.Src, f.SrcPort), netip.AddrPortFrom(f.Dst, f.DstPort), f.Time.UnixMicro(), w.parts(s.By), s.Record.Translated,
			})
		}
	}
	return list
}

// restore goes back to what was kept.
func (w *witnesses) restore(list []beheld) {
	for i := range list {
		c := &list[i]
		s := &witnessed{Record: Record{Flow: learn.Flow{
			Time: time.UnixMicro(c.Time).UTC(), Proto: c.Proto,
			Src: c.Src.Addr(), SrcPort: c.Src.Port(), Dst: c.Dst.Addr(), DstPort: c.Dst.Port(),
		}, Translated: c.Out}}
		for _, at := range c.By {
			if at >= 0 && at < len(w.branches) {
				s.By = append(s.By, w.branches[at].name)
			}
		}
		if len(s.By) > 0 {
			w.memory.remember(s)
			w.keep(s)
		}
	}
}

// parts are the numbers of parts.
func (w *witnesses) parts(names []string) (list []int) {
	for i, b := range w.branches {
		if slices.Contains(names, b.name) {
			list = append(list, i)
		}
	}
	return list
}
