package learn

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tripline/ipranges"
)

// rules returns the drafts as rules: names, then published sets, then prefixes.
func (ds *drafts) rules() []Rule {
	order := make([]*draft, 0, len(ds.by))
	for _, r := range ds.by {
		order = append(order, r)
	}
	slices.SortFunc(order, compareDrafts)
	out := make([]Rule, len(order))
	for i, r := range order {
		out[i] = ds.rule(r)
	}
	return out
}

func compareDrafts(a, b *draft) int {
	return cmp.Or(
		cmp.Compare(a.rank(), b.rank()),
		compareNames(a.name, b.name),
		a.label.Compare(b.label),
		a.prefix.Compare(b.prefix),
	)
}

func (s subject) rank() int {
	switch {
	case s.name != "":
		return 0
	case s.label != ipranges.Label{}:
		return 1
	}
	return 2
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
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}

// seenOf gathers the evidence. Addresses seen on several ports count once; so
// does a name that never had an address.
func seenOf(ds []*Destination) Seen {
	s := Seen{Destinations: max(1, len(addrsOf(ds))), First: ds[0].First, Last: ds[0].Last}
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
	s.Blocks = distinctIn(ds, func(d *Destination) []Block { return d.Blocks })
	s.Runs = distinctIn(ds, func(d *Destination) []string { return d.Runs })
	return s
}

func dayOf(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

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
