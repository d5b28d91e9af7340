package learn

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"tripline/ipranges"
)

// A Choice is what takes the place of a rule: each host or name by itself, the
// network of that many bits around each address, or one destination.
type Choice struct {
	Bits int // 0 is hosts
	To   To
}

// hostsWord is the choice of single hosts and names.
const hostsWord = "hosts"

// String returns what [ParseChoice] reads: "hosts", "/24" or a destination.
func (c Choice) String() string {
	switch {
	case c.whole():
		return c.To.String()
	case c.Bits > 0:
		return "/" + strconv.Itoa(c.Bits)
	}
	return hostsWord
}

const thereIs = "hosts, a length such as /24, an address, a prefix, a published set, an AS number or a name"

// ParseChoice reads "hosts", "/24", or a destination as [ParseTo] does, and
// "*.example.com" and "aws", all that a provider publishes.
func ParseChoice(text string) (Choice, error) {
	if text == hostsWord {
		return Choice{}, nil
	}
	if bits, ok := strings.CutPrefix(text, "/"); ok {
		n, err := strconv.Atoi(bits)
		if err != nil || n < 1 || n > 128 {
			return Choice{}, fmt.Errorf("invalid length %q, want /1 to /128", text)
		}
		return Choice{Bits: n}, nil
	}
	if provider(text) {
		return Choice{To: To{Label: ipranges.Label{Provider: text}}}, nil
	}
	parent, wild := strings.CutPrefix(text, "*.")
	to, err := ParseTo(parent)
	if err != nil || wild && to.Name == "" || to.Name != "" && !strings.Contains(to.Name, ".") {
		return Choice{}, fmt.Errorf("%q is no choice: want %s", text, thereIs)
	}
	if wild {
		to.Name = "*." + to.Name
		if err := CheckName(to.Name); err != nil {
			return Choice{}, err
		}
	}
	return Choice{To: to}, nil
}

// provider says whether text is a word that only a provider of published sets can
// be called: names have dots, systems a number.
func provider(text string) bool {
	if to, err := ParseTo(text); err == nil && to.ASN != 0 {
		return false
	}
	return hostName(text) && !strings.Contains(text, ".")
}

// whole says whether the choice is one destination.
func (c Choice) whole() bool { return c.To.String() != (To{}).String() }

// rules returns the rules for members, all of them admitted: what the choice does
// not hold gets a rule by itself.
func (c Choice) rules(members []*Destination, ports []Service, space ipranges.Space, never Never) []Rule {
	by, order := map[string][]*Destination{}, []To{}
	add := func(to To) {
		if by[to.String()] == nil {
			by[to.String()] = []*Destination{}
			order = append(order, to)
		}
	}
	if c.whole() {
		add(c.To)
	}
	at := regionOf(c.To, ports, nil, space)
	for _, d := range members {
		to := c.of(d, at)
		add(to)
		by[to.String()] = append(by[to.String()], d)
	}
	out := make([]Rule, len(order))
	for i, to := range order {
		out[i] = ruleFor(to, by[to.String()], ports, space, never)
	}
	return out
}

// of returns what admits d.
func (c Choice) of(d *Destination, at region) To {
	switch {
	case c.whole() && at.holds(&d.Target):
		return c.To
	case d.Name != "":
		return To{Name: d.Name}
	}
	bits := d.Addr.BitLen()
	if c.Bits > 0 && c.Bits <= bits && (d.Addr.Is4() || c.Bits > 32) {
		bits = c.Bits
	}
	p, err := d.Addr.Prefix(bits)
	if err != nil { // without an address, and it has no name: nothing is known
		return To{Prefix: netip.PrefixFrom(d.Addr, d.Addr.BitLen())}
	}
	return To{Prefix: p}
}

// ruleFor returns the rule that a person chose for members. Without any it is for
// the ports that were given.
func ruleFor(to To, members []*Destination, ports []Service, space ipranges.Space, never Never) Rule {
	r := Rule{To: to, From: Edited, Ports: slices.Clone(ports)}
	if len(members) > 0 {
		r.Seen, r.Ports = seenOf(members), nil
	}
	for _, d := range members {
		r.Ports = append(r.Ports, d.Service)
	}
	if to.Name != "" {
		r.Addrs = addrsOf(members)
		for _, a := range r.Addrs {
			if l, ok := space.Table.Home(a); ok {
				r.To.Within = insertLabel(r.To.Within, l)
			}
		}
	}
	slices.SortFunc(r.Ports, Service.Compare)
	r.Ports = slices.Compact(r.Ports)
	if set, err := r.To.Set(space, r.Addrs); err == nil {
		r.Admits = never.Bound(set, r.To.Single()).Exposure()
	}
	return r
}
