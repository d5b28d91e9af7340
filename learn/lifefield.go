package learn

import (
	"net/netip"
	"slices"

	"tripline/ipranges"
)

// A field is destinations in order, to find those that a rule admits.
type field struct {
	space ipranges.Space
	never Never
	ds    []Destination
	bare  []int32            // those without a name, by address
	named map[string][]int32 // by name, and by each wildcard that admits it
}

func newField(ds []Destination, space ipranges.Space, never Never) *field {
	f := &field{space: space, never: never, ds: ds}
	f.index()
	return f
}

func (f *field) index() {
	f.bare, f.named = nil, map[string][]int32{}
	for i := range f.ds {
		name, ok := HostName(f.ds[i].Name)
		if !ok {
			f.bare = append(f.bare, int32(i))
			continue
		}
		f.named[name] = append(f.named[name], int32(i))
		for above := range Wildcards(name) {
			f.named[above] = append(f.named[above], int32(i))
		}
	}
	slices.SortStableFunc(f.bare, func(a, b int32) int { return f.ds[a].Addr.Compare(f.ds[b].Addr) })
}

// keep drops the destinations that are out.
func (f *field) keep(out []bool) {
	if !slices.Contains(out, true) {
		return
	}
	var rest []Destination
	for i := range f.ds {
		if !out[i] {
			rest = append(rest, f.ds[i])
		}
	}
	f.ds = rest
	f.index()
}

// admitted returns the destinations that r admits, by index: those with a name
// that r is for, whatever their address, and those without one at an address of
// r. A named destination is for rules of names alone.
func (f *field) admitted(r *Rule) []int32 {
	var out []int32
	for _, i := range f.named[r.To.Name] { // "" is no name
		if slices.Contains(r.Ports, f.ds[i].Service) {
			out = append(out, i)
		}
	}
	for _, p := range f.prefixes(r) {
		at, _ := slices.BinarySearchFunc(f.bare, p.Addr(), func(i int32, a netip.Addr) int { return f.ds[i].Addr.Compare(a) })
		for ; at < len(f.bare) && p.Contains(f.ds[f.bare[at]].Addr); at++ {
			if slices.Contains(r.Ports, f.ds[f.bare[at]].Service) {
				out = append(out, f.bare[at])
			}
		}
	}
	return out
}

// prefixes returns what r admits by address. A rule whose ranges are not known
// admits nothing.
func (f *field) prefixes(r *Rule) []netip.Prefix {
	if r.To.Prefix.IsValid() && r.To.Prefix.IsSingleIP() {
		return []netip.Prefix{r.To.Prefix} // the usual case, at no cost
	}
	set, err := r.To.Set(f.space, r.Addrs)
	if err != nil {
		return nil
	}
	return f.never.Bound(set, r.To.Single()).Prefixes()
}
