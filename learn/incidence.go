package learn

import (
	"encoding/binary"
	"slices"
	"sort"
)

// An Incidence is which units of observation each of many keys was seen in: what
// everything that is forecast is computed from. A key is a destination, a name
// or a rule. A unit is an hour in which the agent was active, or a run. Hours in
// which it was silent are no units: a machine that was switched off for a month
// did not show for a month that it needs nothing new.
type Incidence struct {
	size  int        // hours in a unit; 0 where units are runs
	at    []uint32   // the units in order: the number of each since 1970, or of the run
	keys  [][]uint32 // where keys were seen: units, ascending, as indices of at
	many  []int      // for each of keys, how many were seen in exactly these
	aside []Block    // hours that a clock got wrong, see [split]
	past  int        // keys seen only in those
	base  *Incidence // in hours, if this one is not
}

// Units returns how many units of observation there are.
func (x *Incidence) Units() int { return len(x.at) }

// Keys returns how many distinct keys were seen.
func (x *Incidence) Keys() int {
	n := x.past
	for _, many := range x.many {
		n += many
	}
	return n
}

// Aside returns the hours that are left out because they are more than a year
// apart from the others: a clock was wrong.
func (x *Incidence) Aside() []Block { return x.aside }

// Hours returns the incidence of keys in hours. Destinations with the same key
// are one; with no key function each is its own.
func Hours(ds []Destination, key func(*Destination) string) *Incidence {
	at, aside := split(active(ds))
	x := &Incidence{size: 1, aside: aside, at: make([]uint32, len(at))}
	for i, b := range at {
		x.at[i] = uint32(b)
	}
	x.fill(ds, key, func(d *Destination, see func(uint32)) {
		for _, b := range d.Blocks {
			if i, ok := slices.BinarySearch(x.at, uint32(b)); ok {
				see(uint32(i))
			}
		}
	})
	return x
}

// Runs returns the incidence of keys in runs, which are in the order they were
// made in; a run that saw nothing of the agent is no unit.
func Runs(ds []Destination, runs []string, key func(*Destination) string) *Incidence {
	index, saw := map[string]uint32{}, map[string]bool{}
	for i := range ds {
		for _, name := range ds[i].Runs {
			saw[name] = true
		}
	}
	x := &Incidence{}
	for _, name := range runs {
		if saw[name] {
			index[name] = uint32(len(x.at))
			x.at = append(x.at, uint32(len(x.at)))
		}
	}
	x.fill(ds, key, func(d *Destination, see func(uint32)) {
		for _, name := range d.Runs {
			if i, ok := index[name]; ok {
				see(i)
			}
		}
	})
	return x
}

// fill gathers the units of each key.
func (x *Incidence) fill(ds []Destination, key func(*Destination) string, units func(*Destination, func(uint32))) {
	var sets [][]uint32
	index := map[string]int{}
	for i := range ds {
		at := len(sets)
		if key != nil {
			k := key(&ds[i])
			if was, ok := index[k]; ok {
				at = was
			} else {
				index[k] = at
			}
		}
		if at == len(sets) {
			sets = append(sets, nil)
		}
		units(&ds[i], func(u uint32) { sets[at] = insert(sets[at], u) })
	}
	x.gather(sets)
}

// gather brings the keys together that were seen in the same units, in the order
// of these: whatever order destinations came in, the draws of the bootstrap are
// the same.
func (x *Incidence) gather(sets [][]uint32) {
	index := map[string]int{}
	var name []byte
	for _, set := range sets {
		if len(set) == 0 {
			x.past++
			continue
		}
		name = name[:0]
		for _, u := range set {
			name = binary.LittleEndian.AppendUint32(name, u)
		}
		i, ok := index[string(name)]
		if !ok {
			i = len(x.keys)
			index[string(name)], x.keys, x.many = i, append(x.keys, set), append(x.many, 0)
		}
		x.many[i]++
	}
	sort.Sort(byUnits{x})
}

// byUnits sorts the keys of an incidence.
type byUnits struct{ *Incidence }

func (b byUnits) Len() int           { return len(b.keys) }
func (b byUnits) Less(i, j int) bool { return slices.Compare(b.keys[i], b.keys[j]) < 0 }
func (b byUnits) Swap(i, j int) {
	b.keys[i], b.keys[j] = b.keys[j], b.keys[i]
	b.many[i], b.many[j] = b.many[j], b.many[i]
}

// active returns the hours in which any of the destinations was seen.
func active(ds []Destination) (all []Block) {
	seen := map[Block]bool{}
	for i := range ds {
		for _, b := range ds[i].Blocks {
			if !seen[b] {
				seen[b] = true
				all = append(all, b)
			}
		}
	}
	slices.Sort(all)
	return all
}

// leap is a silence no agent keeps: what lies beyond was stamped by a clock that
// was wrong.
const leap = 366 * 24

// split returns the longest stretch of hours without a leap (the latest of equal
// ones), and all others aside.
func split(all []Block) (in, aside []Block) {
	from, best := 0, [2]int{}
	for i := range all {
		if i+1 == len(all) || all[i+1]-all[i] > leap {
			if i+1-from >= best[1]-best[0] {
				best = [2]int{from, i + 1}
			}
			from = i + 1
		}
	}
	in = all[best[0]:best[1]]
	return in, append(slices.Clone(all[:best[0]]), all[best[1]:]...)
}

// In returns the same observation in units of so many hours.
func (x *Incidence) In(hours int) *Incidence {
	if x.size == 0 || x.size == hours {
		return x
	}
	if x.base != nil {
		x = x.base
	}
	y := x.wider(hours)
	y.base = x
	return y
}

// wider returns the same observation in units of n of its own; hours are grouped
// as the clock has them, so that a session is not cut where it began.
func (x *Incidence) wider(n int) *Incidence {
	y := &Incidence{size: x.size * n, aside: x.aside, past: x.past, many: x.many}
	to := make([]uint32, len(x.at))
	for i, u := range x.at {
		if g := u / uint32(n); len(y.at) == 0 || y.at[len(y.at)-1] != g {
			y.at = append(y.at, g)
		}
		to[i] = uint32(len(y.at) - 1)
	}
	y.keys = make([][]uint32, len(x.keys))
	for i, set := range x.keys {
		for _, u := range set {
			y.keys[i] = insert(y.keys[i], to[u])
		}
	}
	return y
}

// session is how many hours in a row a key is there for the same reason at most.
const session = 12

// episodes returns the same observation with each key only where it comes up: a
// session over several hours is one sighting of what it needs, not several. What
// is there all the time is seen again after [session] hours.
func (x *Incidence) episodes() *Incidence {
	if x.size == 0 || x.size >= session {
		return x
	}
	y := *x
	y.keys = make([][]uint32, len(x.keys))
	most := uint32(session / x.size)
	for i, set := range x.keys {
		starts := set[:1:1]
		for j := 1; j < len(set); j++ {
			at, start := x.at[set[j]], x.at[starts[len(starts)-1]]
			if at != x.at[set[j-1]]+1 || at-start >= most {
				starts = append(starts, set[j])
			}
		}
		y.keys[i] = starts
	}
	return &y
}

// span returns how many hours the observation took, silent ones included.
func (x *Incidence) span() int {
	if x.base != nil {
		return x.base.span()
	}
	if len(x.at) == 0 || x.size == 0 {
		return 0
	}
	return int(x.at[len(x.at)-1] - x.at[0] + 1)
}

// A Level is what counts as one thing when something new is forecast.
type Level string

// The levels, narrowest first.
const (
	ByDestination Level = "destination" // exact: protocol, port, address and name
	ByName        Level = "name"        // protocol, port and name; an address where there is none
	ByRule        Level = "rule"        // what the same rule admits
)

// DestinationKey is the key of [ByDestination].
func DestinationKey(d *Destination) string {
	return d.Service.String() + " " + d.Addr.String() + " " + d.Name
}

// NameKey is the key of [ByName].
func NameKey(d *Destination) string {
	if d.Name != "" {
		return d.Service.String() + " " + d.Name
	}
	return DestinationKey(d)
}

// RuleKey is the key of [ByRule]: that of the rule that admits a destination, or
// what [NameKey] says where none does (rule is empty).
func RuleKey(rule string, d *Destination) string {
	if rule == "" {
		return NameKey(d)
	}
	return "rule " + rule
}
