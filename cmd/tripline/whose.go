package main

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"tripline/ipranges"
	"tripline/ipranges/feed"
	"tripline/learn"
	"tripline/store"
)

// A whose answers whose an address, a prefix or a name is.
type whose struct {
	space ipranges.Space
	names []feed.Name
	named bool // a name was asked for
}

func (a *app) newWhose() (*whose, error) {
	k := newKnowledge()
	err := a.withStore(func(s *store.Store) (err error) {
		k, err = load(s)
		return err
	})
	if err != nil {
		return nil, err
	}
	names, err := k.named()
	if err != nil {
		return nil, err
	}
	return &whose{space: k.space(), names: names}, nil
}

// levels returns the sets around what was asked for, smallest first.
func (w *whose) levels(text string) ([]level, error) {
	if ip, err := netip.ParseAddr(text); err == nil {
		return w.around(ip.Unmap().WithZone("")), nil
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		if p = p.Masked(); p.IsSingleIP() {
			return w.around(p.Addr().Unmap()), nil
		}
		return w.overlapping(p), nil
	}
	if isName(text) {
		w.named = true
		return w.called(text), nil
	}
	return nil, learn.WithHint(fmt.Errorf("%q is no address", learn.Printable(text)), "tripline ranges lookup 52.216.1.2")
}

func (w *whose) around(ip netip.Addr) []level {
	host := ipranges.NewSet(netip.PrefixFrom(ip, ip.BitLen()))
	out := []level{{Address: ip.String(), Set: "this address", Admits: newAdmits(host.Exposure())}}
	for _, l := range w.space.Table.Labels(ip) {
		set, _ := w.space.Table.Set(l)
		out = append(out, levelOf(ip.String(), l, set))
	}
	if as, ok := w.space.AS(ip); ok {
		prefix := ipranges.NewSet(as.Prefix)
		out = append(out, level{Address: ip.String(), Set: as.Prefix.String(), Admits: newAdmits(prefix.Exposure()), Org: as.Org},
			level{Address: ip.String(), Set: fmt.Sprintf("AS%d", as.Number), Admits: newAdmits(w.space.ASNs.Announced(as.Number).Exposure()), Org: as.Org})
	}
	if p, ok := ipranges.Special(ip); ok {
		out = append(out, special(ip.String(), p))
	}
	return out
}

func special(asked string, p ipranges.Purpose) level {
	set := p.Prefix.String() + ", " + p.Name + " (" + p.Source + ")"
	return level{Address: asked, Set: set, Admits: newAdmits(ipranges.NewSet(p.Prefix).Exposure())}
}

// overlapping returns every set that has some of p, the one with the most of it
// first.
func (w *whose) overlapping(p netip.Prefix) []level {
	own := ipranges.NewSet(p)
	var out []level
	for l, set := range w.space.Table.Entries() {
		if n := set.Within(p); n > 0 {
			v := levelOf(p.String(), l, set)
			v.Inside = n
			out = append(out, v)
		}
	}
	slices.SortStableFunc(out, func(a, b level) int {
		return cmp.Or(cmp.Compare(b.Inside, a.Inside), cmp.Compare(a.Admits.V4+a.Admits.V6, b.Admits.V4+b.Admits.V6))
	})
	all := own.Exposure()
	out = append([]level{{Address: p.String(), Set: "this prefix", Admits: newAdmits(all), Inside: all.Total()}}, out...)
	if purpose, ok := ipranges.Special(p.Addr()); ok && purpose.Prefix.Bits() <= p.Bits() {
		v := special(p.String(), purpose)
		v.Inside = all.Total()
		out = append(out, v)
	}
	return out
}

// called returns what publishers say of a name.
func (w *whose) called(host string) []level {
	out := []level{}
	for _, n := range w.names {
		if !n.Matches(host) {
			continue
		}
		set, _ := w.space.Table.Set(n.Label)
		v := levelOf(host, n.Label, set)
		v.Pattern = n.Pattern
		out = append(out, v)
	}
	slices.SortStableFunc(out, func(a, b level) int {
		return cmp.Or(strings.Compare(a.Set, b.Set), cmp.Compare(len(b.Pattern), len(a.Pattern)))
	})
	out = slices.CompactFunc(out, func(a, b level) bool { return a.Set == b.Set }) // the longest pattern says most
	if len(out) == 0 {
		out = append(out, level{Address: host, Set: "no publisher names it"})
	}
	return out
}
