package main

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"tripline/learn"
	"tripline/learn/source"
)

// A naming gives flows the names that their clients were told, and counts how
// each flow came by its name.
type naming struct {
	namer  *learn.Namer
	agents *learn.Agents // whose answers are kept; nil for everybody's
	all    bool          // also of clients that no address tells to be an agent
	counts map[string]*learn.Names
	told   uint64 // answers that were kept

	answered func(agent string, at time.Time) // is told of every answer, "" where it is none of an agent
}

func newNaming(agents *learn.Agents) *naming {
	n := &naming{namer: learn.NewNamer(), agents: agents, all: agents == nil, counts: map[string]*learn.Names{}}
	if agents != nil {
		n.all = agents.Obscure()
	}
	return n
}

// note remembers an answer of DNS. An agent may ask by IPv4 for what it then
// talks to by IPv6, so its answers are its own, not its address's.
func (n *naming) note(a *learn.Answer) {
	if a == nil {
		return
	}
	if n.answered != nil && a.Client.IsValid() {
		n.answered(n.whose(a.Client), a.Time)
	}
	client := n.client(a.Client)
	if client == "" {
		return
	}
	n.told++
	n.namer.Note(client, a)
}

// client is whom an answer is kept for, "" if it is of no interest.
func (n *naming) client(a netip.Addr) string {
	if n.agents != nil {
		if agent, err := n.agents.Of(&learn.Flow{Src: a}); err == nil && agent != "" {
			return agent
		}
	}
	if !n.all {
		return ""
	}
	return a.String()
}

// name gives a flow its name. Hidden is whether the true one is encrypted.
func (n *naming) name(f *learn.Flow, hidden bool) {
	var how learn.Naming
	if n.told > 0 { // else there is nothing to ask for, on the way of every flow
		how = n.namer.Name(f, n.client(f.Src), f.Agent)
	}
	how.Hidden = hidden
	c := n.counts[f.Agent]
	if c == nil {
		c = &learn.Names{}
		n.counts[f.Agent] = c
	}
	c.Count(f, how)
}

// report says how much of an agent's traffic has names, where the source could
// have told any.
func (n *naming) report(a *app, agents []string, sees source.Sees) {
	for _, agent := range agents {
		if c := n.counts[agent]; c != nil && (sees.Names || c.Named() > 0 || c.Encrypted > 0 || n.told > 0) {
			a.say("%s: %s", cmp.Or(agent, "all"), namesText(c))
		}
	}
	if d := n.namer.Dropped(); d > 0 {
		a.warn("%s of DNS were forgotten for want of room: some connections have no name for it", count(d, "answer", "answers"))
	}
}

// namesText says what share of flows is named, and by what.
func namesText(c *learn.Names) string {
	var parts []string
	for e := learn.Proxy; e > learn.Unnamed; e-- {
		if c.By[e] > 0 {
			parts = append(parts, fmt.Sprintf("%s by %s", percent(c.By[e], c.Flows), strings.ToUpper(e.String())))
		}
	}
	text := []string{fmt.Sprintf("%s of %s named", percent(c.Named(), c.Flows), count(c.Flows, "flow", "flows"))}
	if len(parts) > 0 {
		text[0] += ": " + strings.Join(parts, ", ")
	}
	for _, p := range []struct {
		n    uint64
		what string
	}{
		{c.Ambiguous, "had several names in DNS"},
		{c.Stale, "named by an answer that had run out"},
		{c.Conflicts, "said another name than DNS"},
		{c.Hidden, "hide their name (ECH)"},
		{c.Encrypted, "encrypted DNS suspected"},
	} {
		if p.n > 0 {
			text = append(text, percent(p.n, c.Flows)+" "+p.what)
		}
	}
	return strings.Join(text, "; ")
}

// percent is a share, rounded; what is there is never 0 %.
func percent(part, of uint64) string {
	switch {
	case of == 0 || part == 0:
		return "0 %"
	case part*200 < of:
		return "under 1 %"
	}
	return fmt.Sprintf("%d %%", (part*200+of)/(2*of))
}
