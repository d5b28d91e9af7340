package export

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"tripline/enforce"
	"tripline/ipranges"
	"tripline/learn"
)

// A Table is one table that a firewall should have: the addresses that one agent
// may reach at one set of ports of one protocol.
type Table struct {
	Name    string // of the alias
	Agent   string
	Service string // "tcp/443,8000:8010"
	Entries []netip.Prefix
	Set     ipranges.Set

	proto learn.Proto
	ports []portSpan
}

// Tables returns the tables of a policy, as an export to pfSense has them.
func Tables(p *enforce.Policy, o Options) ([]Table, error) {
	if err := o.check(p); err != nil {
		return nil, err
	}
	o.Prefix = cmp.Or(o.Prefix, defaultPrefix)
	set, err := newAliasSet(p, o)
	if err != nil {
		return nil, err
	}
	out := make([]Table, len(set.tables))
	for i, t := range set.tables {
		out[i] = Table{t.name, t.agent.Name, t.service(), t.set.Prefixes(), t.set, t.proto, t.ports}
	}
	return out, nil
}

// Covers says whether flows of a service are what the table is for.
func (t *Table) Covers(s learn.Service) bool {
	if s.Proto != t.proto {
		return false
	}
	return len(t.ports) == 0 || slices.ContainsFunc(t.ports, func(p portSpan) bool { return p.first <= s.Port && s.Port <= p.last })
}

// A Use is what an agent used, and the policy admits.
type Use struct {
	Agent string
	learn.Target
	Flows   uint64
	Blocked uint64 // of them, refused by the firewall already
	Last    time.Time
}

// A Lack is what a table of the firewall would have blocked though the policy
// admits it, together for one name, or else one published set or address.
type Lack struct {
	Table, Agent   string
	To             string // the name, the label or the address
	Addrs          []netip.Addr
	Flows, Blocked uint64
	Last           time.Time
	Why            string // the likely cause, in words
}

// A Surplus is what a table of the firewall lets pass that the policy does not
// admit there.
type Surplus struct {
	Table, Agent string
	Opens        ipranges.Exposure
	First        netip.Prefix
}

// An Agreement is what comes of comparing.
type Agreement struct {
	Checked uint64 // flows that a table was asked for
	Lacks   []Lack
	Surplus []Surplus
}

// mostAddrs bounds the addresses that are listed of one lack.
const mostAddrs = 16

// Agree compares what agents used with what tables hold, by name. What no table
// that is held covers is not judged. Policy is the one that flows are checked with.
func Agree(policy *enforce.Policy, tables []Table, held map[string]Held, used []Use) Agreement {
	var a Agreement
	type key struct{ table, to, why string }
	found := map[key]*Lack{}
	for i := range used {
		u := &used[i]
		t, h := covering(tables, held, u)
		if t == nil {
			continue
		}
		if a.Checked += u.Flows; h.Set.Contains(u.Addr) {
			continue
		}
		k := key{t.Name, called(policy, u), lackWhy(policy, t, h, u)}
		l := found[k]
		if l == nil {
			l = &Lack{Table: t.Name, Agent: u.Agent, To: k.to, Why: k.why}
			found[k] = l
		}
		l.add(u)
	}
	for _, l := range found {
		a.Lacks = append(a.Lacks, *l)
	}
	slices.SortFunc(a.Lacks, func(x, y Lack) int {
		return cmp.Or(cmp.Compare(x.Table, y.Table), cmp.Compare(y.Flows, x.Flows), cmp.Compare(x.To, y.To), cmp.Compare(x.Why, y.Why))
	})
	a.Surplus = surplus(tables, held)
	return a
}

func (l *Lack) add(u *Use) {
	l.Flows, l.Blocked = l.Flows+u.Flows, l.Blocked+u.Blocked
	if u.Last.After(l.Last) {
		l.Last = u.Last
	}
	if at, known := slices.BinarySearchFunc(l.Addrs, u.Addr, netip.Addr.Compare); !known && len(l.Addrs) < mostAddrs {
		l.Addrs = slices.Insert(l.Addrs, at, u.Addr)
	}
}

func covering(tables []Table, held map[string]Held, u *Use) (*Table, *Held) {
	for i := range tables {
		if t := &tables[i]; t.Agent == u.Agent && t.Covers(u.Service) {
			if h, ok := held[t.Name]; ok {
				return t, &h
			}
		}
	}
	return nil, nil
}

// called is what a person calls a destination.
func called(p *enforce.Policy, u *Use) string {
	if u.Name != "" {
		return u.Name
	}
	if label, ok := p.Space.Table.Home(u.Addr); ok {
		return label.String()
	}
	return u.Addr.String()
}

// lackWhy says why a table lacks an address, as far as can be told from outside.
func lackWhy(p *enforce.Policy, t *Table, h *Held, u *Use) string {
	switch {
	case h.Set.IsEmpty():
		return "the firewall's table is empty: it was never loaded, or emptied by a fetch that failed"
	case !t.Set.Contains(u.Addr) && u.Name != "":
		return "resolver skew: the name is approved, and this address of it is in no table yet"
	case !t.Set.Contains(u.Addr):
		return "the policy admits it and the alias does not have it: export again"
	case t.beginsWith(h):
		return fmt.Sprintf("the table was cut off after %s of %s: see the firewall's limit of table entries", thousands(len(h.Entries)), count(len(t.Entries), "entry", "entries"))
	case u.Name != "" && !approvedAt(p, u):
		return "resolver skew: the name was resolved elsewhere since the firewall loaded the table"
	}
	return "the table is older than the baseline or the ranges: let the firewall load it again"
}

// beginsWith says whether a table is the first part of what it should be.
func (t *Table) beginsWith(h *Held) bool {
	n := len(h.Entries)
	return n > 0 && n < len(t.Entries) && slices.Equal(h.Set.Prefixes(), t.Entries[:n])
}

// approvedAt says whether the address was approved itself, not only its name.
func approvedAt(p *enforce.Policy, u *Use) bool {
	a := p.Agent(u.Agent)
	return a != nil && slices.ContainsFunc(a.Rules, func(r enforce.Rule) bool {
		return slices.Contains(r.Ports, u.Service) && r.Set.Contains(u.Addr)
	})
}

func surplus(tables []Table, held map[string]Held) (all []Surplus) {
	for i := range tables {
		t := &tables[i]
		h, ok := held[t.Name]
		if !ok {
			continue
		}
		if more := h.Set.Subtract(t.Set); !more.IsEmpty() {
			all = append(all, Surplus{t.Name, t.Agent, more.Exposure(), more.Prefixes()[0]})
		}
	}
	return all
}
