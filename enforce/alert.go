package enforce

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"tripline/ipranges"
	"tripline/learn"
)

// An Alert is a finding with everything a person needs to act on it. Its JSON
// form is one schema, only ever extended. Strings that came from the network are
// as they were; whoever shows them escapes them.
type Alert struct {
	ID        string         `json:"id,omitempty"`    // of this finding with this beginning, whoever finds it again
	Event     string         `json:"event,omitempty"` // of this change of it
	Time      time.Time      `json:"time"`            // of the first flow
	Agent     string         `json:"agent"`
	Verdict   Verdict        `json:"verdict"`
	Kind      Kind           `json:"kind"`
	Severity  Severity       `json:"severity"`
	Status    string         `json:"status"`            // [StatusNew] and the others
	Group     bool           `json:"group,omitempty"`   // of all that followed at once
	Worse     string         `json:"worse,omitempty"`   // what made it worse: a severity, or "pass" where it was refused before
	Subject   string         `json:"subject,omitempty"` // what it is about, where that is no destination
	Why       string         `json:"why"`
	Proto     string         `json:"proto"`
	Src       string         `json:"src,omitempty"`
	Dst       string         `json:"dst"`
	Port      uint16         `json:"dport,omitempty"`
	Name      string         `json:"name,omitempty"`
	Evidence  string         `json:"evidence,omitempty"`
	Action    string         `json:"action"` // what the firewall did: pass or block
	Interface string         `json:"interface,omitempty"`
	Tracker   string         `json:"firewall_rule,omitempty"`
	Process   *learn.Process `json:"process,omitempty"`
	SeenBy    []string       `json:"seen_by,omitempty"`   // the sources that saw it, and
	MissedBy  string         `json:"missed_by,omitempty"` // the one that did not, of a finding of [OneSide]
	Owner     Owner          `json:"owner"`
	Nearest   *Nearest       `json:"nearest"`
	Admit     *Admit         `json:"admit"`           // nil for what no baseline may admit
	Wider     *Admit         `json:"wider,omitempty"` // the published set instead of the address
	Baseline  string         `json:"baseline,omitempty"`
	Count     uint64         `json:"count"` // flows so far
	Last      time.Time      `json:"last"`
}

// An Owner is whose address a destination is.
type Owner struct {
	Labels []string `json:"labels,omitempty"` // smallest published set first
	Shared bool     `json:"shared,omitempty"` // anyone can rent a place there
	ASN    uint32   `json:"asn,omitempty"`
	Org    string   `json:"org,omitempty"`
}

// A Nearest is the rule that comes closest, and why it does not admit.
type Nearest struct {
	Rule string `json:"rule"`
	Why  string `json:"why"`
}

// An Admit is the line that would admit a flow, and what it would open.
type Admit struct {
	Command string `json:"command"`
	V4      uint64 `json:"ipv4"`
	V6      uint64 `json:"ipv6_64"`
}

// To is the address of the destination, or its name where that is all there is.
func (a *Alert) To() string {
	if ip, err := netip.ParseAddr(a.Dst); err == nil && a.Name != "" && learn.IsStandIn(ip) {
		return a.Name
	}
	return a.Dst
}

// Explain returns the alert for f, whatever the verdict; for an allowed flow
// Nearest is the rule that admits it.
func (p *Policy) Explain(f *learn.Flow) Alert {
	r := p.Rule(f)
	a := Alert{
		Time: f.Time, Last: f.Time, Count: 1, Kind: Destination, Severity: r.Verdict.Severity(), Status: StatusNew,
		Agent: f.Agent, Verdict: r.Verdict, Why: r.Why,
		Proto: f.Proto.String(), Dst: f.Dst.String(), Port: f.Service().Port,
		Name: f.Name, Evidence: f.Evidence.String(),
		Action: f.Action.String(), Interface: f.Interface, Tracker: f.Rule, Process: f.Process,
		Owner: p.owner(f),
	}
	if f.Src.IsValid() {
		a.Src = f.Src.String()
	}
	if c := p.byName[f.Agent]; c != nil {
		a.Baseline = c.Baseline
		a.Nearest = p.nearest(c, f, r)
	}
	if r.Verdict != Allowed {
		a.Admit, a.Wider = p.admit(f)
	}
	return a
}

func (p *Policy) owner(f *learn.Flow) Owner {
	var o Owner
	for _, l := range p.Space.Table.Labels(f.Dst) {
		o.Labels = append(o.Labels, l.String())
		o.Shared = o.Shared || ipranges.Shared(l)
	}
	if as, ok := p.Space.AS(f.Dst); ok {
		o.ASN, o.Org = as.Number, as.Org
	}
	return o
}

// nearest says which rule comes closest and why it does not admit f.
func (p *Policy) nearest(c *AgentPolicy, f *learn.Flow, r Ruling) *Nearest {
	if near := c.nearName(f); near != nil && r.Rule == nil {
		return near
	}
	if r.Rule == nil {
		r.Rule = p.otherPort(c, f)
	}
	if r.Rule == nil && learn.IsStandIn(f.Dst) {
		return nil // no address is near that one
	}
	switch {
	case r.Verdict == Allowed:
		return &Nearest{r.Rule.String(), r.Why}
	case r.Rule == nil:
		return p.closest(c, f)
	case r.Rule.Set.Contains(f.Dst) && r.Rule.To.Name == "" && !slices.Contains(r.Rule.Ports, f.Service()):
		return &Nearest{r.Rule.String(), "it admits the address, but not " + f.Service().String()}
	}
	return &Nearest{r.Rule.String(), r.Why}
}

// admit returns the line that would admit exactly this flow, and the one that
// would admit the published set around it. What the bounding set forbids has
// neither, nor has a name that is none of a host and that nobody looked up.
func (p *Policy) admit(f *learn.Flow) (exact, wider *Admit) {
	never := p.Never
	if a := p.byName[f.Agent]; a != nil {
		never = a.Never
	}
	if _, forbidden := never.Forbids(f.Dst); forbidden || forbidsName(never, f) {
		return nil, nil
	}
	to, named := learn.HostName(f.Name)
	if !named && learn.IsStandIn(f.Dst) {
		return nil, nil
	}
	if !named {
		to = f.Dst.String()
	}
	one := never.Bound(ipranges.NewSet(netip.PrefixFrom(f.Dst, f.Dst.BitLen())), true).Exposure()
	exact = admitting(f, to, one)
	if label, ok := p.Space.Table.Home(f.Dst); ok {
		if set, ok := p.Space.Table.Set(label); ok {
			wider = admitting(f, label.String(), set.Exposure())
		}
	}
	return exact, wider
}

func forbidsName(never learn.Never, f *learn.Flow) bool {
	name, ok := learn.HostName(f.Name)
	return ok && never.ForbidsName(name)
}

func admitting(f *learn.Flow, to string, e ipranges.Exposure) *Admit {
	line := []string{"tripline", "allow", f.Agent, learn.Endpoint(quoted(to), f.Service())}
	if name, ok := learn.HostName(f.Name); ok && to == name && !learn.IsStandIn(f.Dst) {
		line = append(line, "--address", f.Dst.String())
	}
	return &Admit{Command: strings.Join(line, " "), V4: e.V4, V6: e.V6}
}

// quoted keeps hostile text from becoming more than one word of a shell.
func quoted(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-:/@*", r))
	}) {
		return "'" + strings.ReplaceAll(learn.Printable(s), "'", "") + "'"
	}
	return s
}
