package source

import "tripline/learn/source/internal/eve"

// An eveDrops counts the packets that Suricata did not see because the kernel had no
// room for them. Its statistics count them from when it began.
type eveDrops struct {
	last int64 // what they said last, and one; 0 before
	sum  int64 // since the parser was made
}

// note reads one of the statistics. What the first one says was before the log
// began; a count that shrinks began anew.
func (d *eveDrops) note(e *eve.Event) {
	if !e.HasDrops {
		return
	}
	n := int64(e.Dropped)
	switch {
	case d.last == 0:
	case n >= d.last-1:
		d.sum += n - (d.last - 1)
	default:
		d.sum += n
	}
	d.last = n + 1
}

func (p *eveParser) dropped() int64 { return p.drops.sum }
