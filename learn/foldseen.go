package learn

import (
	"maps"
	"math/bits"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tripline/ipranges"
)

// rules returns the drafts as rules: names, then published sets, then prefixes.
func (ds *drafts) rules() []Rule {
	order := slices.Concat(byName(ds.names), sorted(ds.labels, ipranges.Label.Compare), sorted(ds.prefixes, netip.Prefix.Compare))
	out := make([]Rule, len(order))
	inChunks(len(order), func(i int) { out[i] = ds.rule(order[i]) })
	return out
}

// sorted returns drafts in the order of what they are for.
func sorted[K comparable](all map[K]*draft, compare func(K, K) int) []*draft {
	out := make([]*draft, 0, len(all))
	for _, k := range slices.SortedFunc(maps.Keys(all), compare) {
		out = append(out, all[k])
	}
	return out
}

// byName returns drafts for names, ordered from the right, so that those of one
// owner are neighbours.
func byName(all map[string]*draft) []*draft {
	type pathed struct {
		path string
		*draft
	}
	list := make([]pathed, 0, len(all))
	for name, r := range all {
		list = append(list, pathed{pathOf(name), r})
	}
	slices.SortFunc(list, func(a, b pathed) int { return strings.Compare(a.path, b.path) })
	out := make([]*draft, len(list))
	for i, r := range list {
		out[i] = r.draft
	}
	return out
}

// compareNames orders names from the right, so that those of one owner are
// neighbours.
func compareNames(a, b string) int {
	for a != "" && b != "" {
		var x, y string
		a, x = cutLast(a)
		b, y = cutLast(b)
		if c := strings.Compare(x, y); c != 0 {
			return c
		}
	}
	return strings.Compare(a, b)
}

func cutLast(name string) (rest, last string) {
	i := strings.LastIndexByte(name, '.')
	return name[:max(0, i)], name[i+1:]
}

func (ds *drafts) rule(d *draft) Rule {
	r := Rule{From: Learned, Seen: seenOf(d.seen)}
	r.Ports = slices.Clone(d.ports)
	slices.SortFunc(r.Ports, compareServices)
	r.Ports = slices.Compact(r.Ports)
	r.To = To{Name: d.name, Label: d.label, Prefix: d.prefix}
	if d.name != "" {
		r.Addrs = addrsOf(d.seen)
		r.To.Within = ds.labelsOf(r.Addrs)
	}
	// Every label came from this space, so none is unknown to it.
	set, _ := r.To.Set(ds.options.Space, r.Addrs)
	r.Admits = set.Exposure()
	return r
}

// labelsOf returns the published homes of addresses, in order.
func (ds *drafts) labelsOf(addrs []netip.Addr) []ipranges.Label {
	var out []ipranges.Label
	for _, a := range addrs {
		if h := ds.homeOf(a); h != (ipranges.Label{}) {
			out = insertLabel(out, h)
		}
	}
	return out
}

// addrsOf returns the addresses of destinations, ascending, without repeats.
func addrsOf(ds []*Destination) []netip.Addr {
	out := make([]netip.Addr, 0, len(ds))
	for _, d := range ds {
		if d.Addr.IsValid() {
			out = append(out, d.Addr)
		}
	}
	if len(out) > 1 {
		slices.SortFunc(out, netip.Addr.Compare)
	}
	return slices.Compact(out)
}

// addrsIn counts the addresses of destinations, which are mostly in order.
func addrsIn(ds []*Destination) int {
	n, last := 0, netip.Addr{}
	for _, d := range ds {
		switch c := d.Addr.Compare(last); {
		case c < 0 && d.Addr.Is4():
			return addrsIn4(ds)
		case c < 0 && d.Addr.IsValid():
			return len(addrsOf(ds))
		case c > 0:
			n, last = n+1, d.Addr
		}
	}
	return n
}

// addrsIn4 is addrsIn where most are of IPv4, and come from several ports.
func addrsIn4(ds []*Destination) int {
	keys := make([]uint64, 0, len(ds))
	for _, d := range ds {
		if !d.Addr.Is4() {
			return len(addrsOf(ds))
		}
		keys = append(keys, families[0].key(d.Addr))
	}
	slices.Sort(keys)
	return len(slices.Compact(keys))
}

// seenOf gathers the evidence. Addresses seen on several ports count once; so
// does a name that never had an address.
func seenOf(ds []*Destination) Seen {
	s := Seen{Destinations: max(1, addrsIn(ds)), First: ds[0].First, Last: ds[0].Last}
	for _, d := range ds {
		if d.First.Before(s.First) {
			s.First = d.First
		}
		if d.Last.After(s.Last) {
			s.Last = d.Last
		}
	}
	s.First, s.Last = dayOf(s.First), dayOf(s.Last)
	s.Names, s.New = namesIn(ds)
	s.Blocks, s.Runs = blocksIn(ds), runsIn(ds)
	return s
}

func dayOf(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// manyBlocks is how long an observation is looked at hour by hour: seven years.
// Only a clock that was wrong makes it longer.
const manyBlocks = 1 << 16

// blocksIn counts the hours in which any destination was seen.
func blocksIn(ds []*Destination) int {
	of := func(d *Destination) []Block { return d.Blocks }
	first, last := ^Block(0), Block(0)
	for _, d := range ds {
		if n := len(d.Blocks); n > 0 {
			first, last = min(first, d.Blocks[0]), max(last, d.Blocks[n-1])
		}
	}
	if len(ds) == 1 || last < first || last-first >= manyBlocks {
		return distinctIn(ds, of)
	}
	hours := make([]uint64, (last-first)/64+1)
	for _, d := range ds {
		for _, b := range d.Blocks {
			hours[(b-first)/64] |= 1 << ((b - first) % 64)
		}
	}
	n := 0
	for _, h := range hours {
		n += bits.OnesCount64(h)
	}
	return n
}

// runsIn counts the runs that saw any destination. Mostly it is the same ones.
func runsIn(ds []*Destination) int {
	first := ds[0].Runs
	if !slices.ContainsFunc(ds, func(d *Destination) bool { return !slices.Equal(d.Runs, first) }) {
		return len(first)
	}
	return distinctIn(ds, func(d *Destination) []string { return d.Runs })
}

// distinctIn counts the elements that any destination has. No list repeats one.
func distinctIn[T comparable](ds []*Destination, of func(*Destination) []T) int {
	if len(ds) == 1 {
		return len(of(ds[0]))
	}
	all := map[T]struct{}{}
	for _, d := range ds {
		for _, v := range of(d) {
			all[v] = struct{}{}
		}
	}
	return len(all)
}
