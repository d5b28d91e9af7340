package export

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"tripline/enforce"
	"tripline/ipranges"
	"tripline/learn"
)

// A table is the addresses one agent may reach at one set of ports of one
// protocol. A list of addresses carries no ports in any firewall, so the rules
// of an agent are grouped by their ports.
type table struct {
	name  string
	agent *enforce.AgentPolicy
	proto learn.Proto
	ports []portSpan // ascending and apart; none if the protocol has none
	rules []*enforce.Rule
	set   ipranges.Set
	notes []Note

	beyond string // what the set opens beyond its rules to have fewer entries, in words
}

// A portSpan is the ports first to last, both included.
type portSpan struct{ first, last uint16 }

// String returns "443" or "8000:8010".
func (s portSpan) String() string {
	if s.first == s.last {
		return strconv.Itoa(int(s.first))
	}
	return strconv.Itoa(int(s.first)) + ":" + strconv.Itoa(int(s.last))
}

// service returns "tcp/443,8000:8010", or "icmp".
func (t *table) service() string {
	if len(t.ports) == 0 {
		return t.proto.String()
	}
	return t.proto.String() + "/" + join(t.ports, ",")
}

// baseline returns the first n digits of the digest the table was made from.
func (t *table) baseline(n int) string {
	digest := plain(t.agent.Baseline)
	return digest[:min(n, len(digest))]
}

func join(ports []portSpan, by string) string {
	texts := make([]string, len(ports))
	for i, p := range ports {
		texts[i] = p.String()
	}
	return strings.Join(texts, by)
}

// A limit says in words why a firewall cannot express a service, "" if it can.
type limit func(learn.Service) string

// tablesOf groups the rules of an agent, and notes what the firewall cannot
// express at all.
func tablesOf(a *enforce.AgentPolicy, cannot limit) ([]*table, []Note) {
	g := grouping{agent: a, byKey: map[string]*table{}}
	for i := range a.Rules {
		g.add(&a.Rules[i], cannot)
	}
	if len(a.Rules) == 0 {
		g.notes = append(g.notes, Note{Agent: plain(a.Name), Why: "has no rules: nothing is exported for it, and a firewall that follows the export blocks all it does"})
	}
	for _, t := range g.tables {
		t.unite()
	}
	slices.SortFunc(g.tables, func(a, b *table) int {
		return cmp.Or(cmp.Compare(a.proto, b.proto), slices.CompareFunc(a.ports, b.ports, comparePorts))
	})
	return g.tables, g.notes
}

func comparePorts(a, b portSpan) int {
	return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.last, b.last))
}

// unite computes what the rules of the table admit together. One union of all
// prefixes: joining the sets one by one is quadratic.
func (t *table) unite() {
	var all []netip.Prefix
	for _, r := range t.rules {
		all = append(all, r.Set.Prefixes()...)
	}
	t.set = ipranges.NewSet(all...)
}

type grouping struct {
	agent  *enforce.AgentPolicy
	tables []*table
	byKey  map[string]*table
	notes  []Note
}

func (g *grouping) add(r *enforce.Rule, cannot limit) {
	if why := nothing(r); why != "" {
		g.note(r.String(), why)
		return
	}
	byProto := map[learn.Proto][]uint16{}
	for _, s := range r.Ports {
		if why := cannot(s); why != "" {
			g.note(r.To.String()+" "+s.String(), why)
			continue
		}
		byProto[s.Proto] = append(byProto[s.Proto], s.Port)
	}
	for proto, ports := range byProto {
		g.put(r, proto, spansOf(proto, ports))
	}
}

// nothing says why no address can be exported for r, "" if one can.
func nothing(r *enforce.Rule) string {
	switch {
	case len(r.Ports) == 0:
		return "names no port, so it admits nothing; it is not exported"
	case !r.Set.IsEmpty():
		return ""
	case r.To.Name != "" && !slices.ContainsFunc(r.Addrs, seen):
		return "no address was seen behind this name; it is not exported" + lost(r)
	}
	return "all its addresses are in the set that is never to be admitted; it is not exported" + lost(r)
}

// seen says whether an address is more than what stands for a name.
func seen(a netip.Addr) bool { return !learn.IsStandIn(a) }

func (g *grouping) note(rule, why string) {
	g.notes = append(g.notes, Note{plain(g.agent.Name), plain(rule), why})
}

func (g *grouping) put(r *enforce.Rule, proto learn.Proto, ports []portSpan) {
	key := fmt.Sprint(proto, ports)
	t := g.byKey[key]
	if t == nil {
		t = &table{agent: g.agent, proto: proto, ports: ports}
		g.byKey[key], g.tables = t, append(g.tables, t)
	}
	t.rules = append(t.rules, r)
	if r.To.Name != "" {
		t.notes = append(t.notes, Note{plain(g.agent.Name), plain(r.To.String() + " " + t.service()), aboutName(r)})
	}
}

// aboutName says what is lost when a name becomes addresses.
func aboutName(r *enforce.Rule) string {
	known := len(slices.DeleteFunc(slices.Clone(r.Addrs), func(a netip.Addr) bool { return !r.Set.Contains(a) }))
	what := "behind it"
	if below, ok := strings.CutPrefix(r.To.Name, "*."); ok {
		what = "behind names below " + plain(below)
	}
	why := fmt.Sprintf("a name: exported as the %s seen %s, whatever else answers there", some(known), what)
	return why + lost(r)
}

// lost says where else the policy allows a name to be.
func lost(r *enforce.Rule) string {
	if len(r.To.Within) == 0 {
		return ""
	}
	labels := make([]string, len(r.To.Within))
	for i, l := range r.To.Within {
		labels[i] = plain(l.String())
	}
	return "; its other addresses in " + strings.Join(labels, ", ") + ", which tripline allows, are not in the table"
}

// some returns "one address" or "1,234 addresses".
func some(n int) string {
	if n == 1 {
		return "one address"
	}
	return thousands(n) + " addresses"
}

// spansOf joins consecutive ports.
func spansOf(proto learn.Proto, ports []uint16) []portSpan {
	if !proto.HasPorts() {
		return nil
	}
	slices.Sort(ports)
	var out []portSpan
	for _, p := range slices.Compact(ports) {
		if n := len(out); n > 0 && out[n-1].last+1 == p {
			out[n-1].last = p
		} else {
			out = append(out, portSpan{p, p})
		}
	}
	return out
}
