package learn

import "slices"

// An Incidence is which units of observation each of many keys was seen in: what
// everything that is forecast is computed from. A key is a destination, a name
// or a rule. A unit is an hour in which the agent was active, or a run. Hours in
// which it was silent are no units: a machine that was switched off for a month
// did not show for a month that it needs nothing new.
type Incidence struct {
	size  int        // hours in a unit; 0 where units are runs
	at    []uint32   // the units in order: the number of each since 1970, or of the run
	keys  [][]uint32 // for each key the units it was seen in, ascending, as indices of at
	aside []Block    // hours that a clock got wrong, see [split]
	past  int        // keys seen only in those
	base  *Incidence // in hours, if this one is not
}

// Units returns how many units of observation there are.
func (x *Incidence) Units() int { return len(x.at) }

// Keys returns how many distinct keys were seen.
func (x *Incidence) Keys() int { return len(x.keys) + x.past }

// Aside returns the hours that are left out because they are more than a year
// apart from the others: a clock was wrong.
func (x *Incidence) Aside() []Block { return x.aside }

// Hours returns the incidence of keys in hours. Destinations with the same key
// are one.
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
	index := map[string]uint32{}
	x := &Incidence{}
	for _, name := range runs {
		if slices.ContainsFunc(ds, func(d Destination) bool { return slices.Contains(d.Runs, name) }) {
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

// fill gathers the units of each key, in the order of the keys.
func (x *Incidence) fill(ds []Destination, key func(*Destination) string, units func(*Destination, func(uint32))) {
	index := make(map[string]int, len(ds))
	var names []string
	var sets [][]uint32
	for i := range ds {
		k := key(&ds[i])
		at, ok := index[k]
		if !ok {
			at = len(names)
			index[k], names, sets = at, append(names, k), append(sets, nil)
		}
		units(&ds[i], func(u uint32) { sets[at] = insert(sets[at], u) })
	}
	for _, set := range sets {
		if len(set) == 0 {
			x.past++
			continue
		}
		x.keys = append(x.keys, set)
	}
	// Whatever order the destinations came in, the draws of the bootstrap are the same.
	slices.SortFunc(x.keys, slices.Compare[[]uint32])
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
	y := &Incidence{size: x.size * n, aside: x.aside, past: x.past}
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
