package learn

import (
	"net/netip"
	"slices"
	"time"
)

// A Block is an hour since 1970-01-01T00:00Z. Whatever is statistical is
// computed on the set of blocks a destination was seen in (incidence), never on
// flow counts: flows of one session are not independent.
type Block uint32

// BlockOf returns the block t falls in.
func BlockOf(t time.Time) Block { return Block(max(0, t.Unix()) / 3600) }

// Time returns when the block begins.
func (b Block) Time() time.Time { return time.Unix(int64(b)*3600, 0).UTC() }

// A Target is what makes two flows of one agent go to the same destination.
// It is comparable.
type Target struct {
	Service
	Addr netip.Addr
	Name string // "" if the source had no name
}

// A Destination is what an agent talked to, and when.
type Destination struct {
	Agent string
	Target
	Evidence    Evidence // the strongest one seen for Name
	First, Last time.Time
	Flows       uint64   // all, passed and blocked
	Blocked     uint64   // of them, refused by the firewall
	Up, Down    uint64   // bytes
	Blocks      []Block  // when it was seen, ascending, no repeats
	Runs        []string // which runs saw it, sorted, no repeats
}

// Admissible says whether the firewall let any of its flows pass. What was
// only ever refused is reported and not proposed.
func (d *Destination) Admissible() bool { return d.Flows > d.Blocked }

// Add counts a flow of this destination, seen in run.
func (d *Destination) Add(f *Flow, run string) {
	if d.Flows == 0 || f.Time.Before(d.First) {
		d.First = f.Time
	}
	if d.Flows == 0 || f.Time.After(d.Last) {
		d.Last = f.Time
	}
	d.Flows++
	if f.Action == Refused {
		d.Blocked++
	}
	d.Up += f.Up
	d.Down += f.Down
	d.Evidence = max(d.Evidence, f.Evidence)
	d.Blocks = insert(d.Blocks, BlockOf(f.Time))
	d.Runs = insert(d.Runs, run)
}

// Merge counts what e saw as well. Both must have the same agent and target.
func (d *Destination) Merge(e *Destination) {
	if e.Flows == 0 {
		return
	}
	if d.Flows == 0 || e.First.Before(d.First) {
		d.First = e.First
	}
	if d.Flows == 0 || e.Last.After(d.Last) {
		d.Last = e.Last
	}
	d.Flows += e.Flows
	d.Blocked += e.Blocked
	d.Up += e.Up
	d.Down += e.Down
	d.Evidence = max(d.Evidence, e.Evidence)
	for _, b := range e.Blocks {
		d.Blocks = insert(d.Blocks, b)
	}
	for _, r := range e.Runs {
		d.Runs = insert(d.Runs, r)
	}
}

// insert keeps s ascending without repeats. Appending at the end, the usual
// case, costs one comparison.
func insert[T interface{ ~uint32 | ~string }](s []T, v T) []T {
	if n := len(s); n == 0 || s[n-1] < v {
		return append(s, v)
	}
	i, found := slices.BinarySearch(s, v)
	if found {
		return s
	}
	return slices.Insert(s, i, v)
}
