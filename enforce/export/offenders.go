package export

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tripline/enforce"
	"tripline/ipranges"
	"tripline/learn"
)

// An Offender is an address that an agent used though nothing explains it.
type Offender struct {
	Agent   string     `json:"agent"`
	Addr    netip.Addr `json:"address"`
	Verdict string     `json:"verdict"` // the worst so far
	Service string     `json:"service"` // of the first flow
	Name    string     `json:"name,omitempty"`
	First   time.Time  `json:"first"`
	Last    time.Time  `json:"last"`
	Flows   uint64     `json:"flows"`
}

// Offenders are what a person may let their firewall block, a table for each
// agent: what one agent does decides nothing about the traffic of others, if the
// rule is for it alone. It holds single addresses, each for a time, so many at
// most, and none that is vital: an agent that turns hostile chooses where it
// connects, and must not choose what is blocked.
type Offenders struct {
	Expire time.Duration
	Most   int  // of one agent; what comes when it is full is left out, nothing makes room
	Shared bool // also addresses in published sets
	Vital  []netip.Prefix

	all  map[offenderKey]*Offender
	n    map[string]int
	left map[string]uint64 // flows to what was left out, by why
}

type offenderKey struct {
	agent string
	addr  netip.Addr
}

// NewOffenders returns an empty list.
func NewOffenders() *Offenders {
	return &Offenders{all: map[offenderKey]*Offender{}, n: map[string]int{}, left: map[string]uint64{}}
}

// Note takes a flow that has no place in the baseline. It says whether the table
// changes.
func (o *Offenders) Note(p *enforce.Policy, f *learn.Flow, v enforce.Verdict) bool {
	if v != enforce.Unexpected && v != enforce.Forbidden {
		return false
	}
	key := offenderKey{f.Agent, f.Dst}
	if x := o.all[key]; x != nil {
		x.Flows++
		if f.Time.After(x.Last) {
			x.Last = f.Time
		}
		if v == enforce.Forbidden {
			x.Verdict = v.String()
		}
		return false
	}
	if why := o.Spared(p, f.Dst); why != "" {
		o.left[why]++
		return false
	}
	if o.n[f.Agent] >= o.Most {
		o.left[full]++
		return false
	}
	o.Put(Offender{f.Agent, f.Dst, v.String(), f.Service().String(), f.Name, f.Time, f.Time, 1})
	return true
}

const full = "the table is full"

// Put takes up what was kept.
func (o *Offenders) Put(x Offender) {
	key := offenderKey{x.Agent, x.Addr}
	if o.all[key] == nil {
		o.n[x.Agent]++
	}
	o.all[key] = &x
}

// Spared says why an address is never blocked, "" if it may be: the user's own
// networks and what they name, what any agent may reach at any port, and what many
// share. A policy that changes may spare what is in the list already.
func (o *Offenders) Spared(p *enforce.Policy, a netip.Addr) string {
	if why, special := p.Never.Forbids(a); special {
		return why
	}
	if p.Never.Private(a) {
		return "private space"
	}
	if slices.ContainsFunc(o.Vital, func(v netip.Prefix) bool { return v.Contains(a) }) {
		return "never to be blocked"
	}
	for _, agent := range p.Agents {
		if slices.ContainsFunc(agent.Rules, func(r enforce.Rule) bool { return r.Set.Contains(a) }) {
			return "a baseline admits it"
		}
	}
	if label, ok := p.Space.Table.Home(a); ok && !o.Shared {
		if ipranges.Shared(label) {
			return "others share it (" + label.String() + ")"
		}
		return "a provider publishes it (" + label.String() + ")"
	}
	return ""
}

// Clean drops what is over and what is spared now. It says whether any table
// changes.
func (o *Offenders) Clean(p *enforce.Policy, now time.Time) bool {
	changed := false
	for key, x := range o.all {
		if now.Sub(x.Last) > o.Expire || o.Spared(p, x.Addr) != "" {
			delete(o.all, key)
			o.n[x.Agent]--
			changed = true
		}
	}
	return changed
}

// Left returns how many flows went to what was left out, by why, since the last
// call.
func (o *Offenders) Left() map[string]uint64 {
	left := o.left
	o.left = map[string]uint64{}
	return left
}

// Full says whether flows were left out because a table is full.
func Full(left map[string]uint64) bool { return left[full] > 0 }

// List returns what there is, by agent and address.
func (o *Offenders) List() []Offender {
	out := make([]Offender, 0, len(o.all))
	for _, x := range o.all {
		out = append(out, *x)
	}
	slices.SortFunc(out, func(a, b Offender) int { return cmp.Or(strings.Compare(a.Agent, b.Agent), a.Addr.Compare(b.Addr)) })
	return out
}

// blockStart begins a table of offenders.
const blockStart = "tripline: what is to be blocked for agent "

// Files returns a table for each agent of the policy, also for one that has no
// offenders: the firewall fetches it all the same. A line before each address says
// why it is there; what changes with every flow does not stand in it.
func (o *Offenders) Files(p *enforce.Policy, prefix string) []File {
	byAgent := map[string][]Offender{}
	for _, x := range o.List() {
		byAgent[x.Agent] = append(byAgent[x.Agent], x)
	}
	namer := newNamer(cmp.Or(prefix, defaultPrefix), p.Agents)
	var files []File
	for _, a := range p.Agents {
		name := namer.offenders(a.Name)
		var b strings.Builder
		fmt.Fprintf(&b, "# %s\n# alias %s: block it for this agent alone, in a rule FROM its address\n", clip(blockStart+plain(a.Name), lineMax-2), name)
		if len(byAgent[a.Name]) == 0 {
			b.WriteString(overMark + "there are no offenders now\n")
		}
		for _, x := range byAgent[a.Name] {
			fmt.Fprintf(&b, "# %s at %s, first on %s\n%s\n", plain(x.Verdict), plain(x.Service), x.First.UTC().Format(time.DateOnly), x.Addr)
		}
		files = append(files, File{name + ".txt", []byte(b.String())})
	}
	return files
}

// offenders is the name of an agent's table of offenders.
func (n *namer) offenders(agent string) string {
	const end = "_offenders"
	slug, exact := slugOf(agent)
	if name := n.prefix + "_" + slug + end; exact && n.agents[slug] == 1 && len(name) <= longest+2 {
		return name
	}
	t := &table{agent: &enforce.AgentPolicy{Name: agent}}
	room := longest + 2 - len(n.prefix) - len(end) - hashSize - 2
	return n.prefix + "_" + strings.TrimRight(slug[:max(0, min(room, len(slug)))], "_") + "_" + n.hash(t) + end
}
