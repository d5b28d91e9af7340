package learn

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// An Agent is a named workload whose outbound traffic is judged.
type Agent struct {
	Name      string
	Selectors []Selector
}

// A Selector finds an agent's flows. Exactly one field is set.
type Selector struct {
	Prefix    netip.Prefix // of the source address; an address is a /32 or /128
	Host      string       // a name of the source, resolved again and again
	Interface string       // where the firewall saw the flow come in
	Rule      string       // the firewall's rule: tracker or label
	Container Criterion    // of the container that had the source address, or that the process runs in
	Process   Criterion    // of the process that opened the flow, or of one that started it
}

// String returns the selector as the command line writes it.
func (s Selector) String() string {
	switch {
	case s.Host != "":
		return s.Host
	case s.Interface != "":
		return "if:" + s.Interface
	case s.Rule != "":
		return "rule:" + s.Rule
	case s.Container != (Criterion{}):
		return s.Container.String()
	case s.Process != (Criterion{}):
		return s.Process.String()
	case s.Prefix.IsSingleIP():
		return s.Prefix.Addr().String()
	}
	return s.Prefix.String()
}

// String returns the agent as the command line writes it.
func (a Agent) String() string {
	texts := make([]string, len(a.Selectors))
	for i, s := range a.Selectors {
		texts[i] = s.String()
	}
	return a.Name + "=" + strings.Join(texts, ",")
}

// ParseAgent reads "name=selector,selector". A selector is an address, a prefix
// in CIDR form, a host name, "if:INTERFACE", "rule:TRACKER", one of a container:
// "container:NAME", "label:KEY=VALUE", "image:REFERENCE", "compose:PROJECT/SERVICE",
// or one of a process: "exe:/PATH", "cgroup:/PATH".
func ParseAgent(text string) (Agent, error) {
	name, list, ok := strings.Cut(text, "=")
	if !ok || list == "" {
		return Agent{}, WithHint(fmt.Errorf("agent %q has no selector", text),
			"--agent NAME=ADDRESS, for example --agent bot=192.0.2.50")
	}
	if err := checkName(name); err != nil {
		return Agent{}, err
	}
	a := Agent{Name: name}
	for part := range strings.SplitSeq(list, ",") {
		s, err := ParseSelector(part)
		if err != nil {
			return Agent{}, fmt.Errorf("agent %s: %w", name, err)
		}
		a.Selectors = append(a.Selectors, s)
	}
	return a, nil
}

// ParseSelector reads what [Selector.String] prints.
func ParseSelector(text string) (Selector, error) {
	if name, ok := strings.CutPrefix(text, "if:"); ok && name != "" {
		return Selector{Interface: name}, nil
	}
	if rule, ok := strings.CutPrefix(text, "rule:"); ok && rule != "" {
		return Selector{Rule: rule}, nil
	}
	if c, ok := parseCriterion(text); ok {
		return Selector{Container: c}, nil
	}
	if c, ok, err := parseProcess(text); ok || err != nil {
		return Selector{Process: c}, err
	}
	if a, err := netip.ParseAddr(text); err == nil {
		a = a.Unmap().WithZone("")
		return Selector{Prefix: netip.PrefixFrom(a, a.BitLen())}, nil
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		return Selector{Prefix: p.Masked()}, nil
	}
	if !hostName(text) {
		return Selector{}, fmt.Errorf("invalid selector %q, want an address, a prefix, a host name, if:INTERFACE, rule:TRACKER, container:NAME, label:KEY=VALUE, image:REFERENCE, compose:PROJECT, pod:NAMESPACE/NAME, exe:/PATH or cgroup:/PATH", text)
	}
	return Selector{Host: strings.ToLower(text)}, nil
}

// checkName holds agent names to what every export can write.
func checkName(name string) error {
	ok := name != "" && len(name) <= 63 && !strings.ContainsRune("._-", rune(name[0])) && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' || r == '.')
	})
	if !ok {
		return fmt.Errorf("invalid agent name %q, want 1 to 63 letters, digits, dots, dashes and underscores, a letter or digit first", name)
	}
	return nil
}

// hostName says whether s can be a host name: labels of letters, digits, dashes
// and underscores, and not digits and dots alone (a mistyped address).
func hostName(s string) bool {
	if s == "" || len(s) > 253 || !strings.ContainsFunc(s, func(r rune) bool { return r > '9' }) {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(s, "."), ".") {
		bad := strings.ContainsFunc(label, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
		})
		if label == "" || len(label) > 63 || bad {
			return false
		}
	}
	return true
}

// ErrOverlap is returned where one flow would belong to two agents.
var ErrOverlap = errors.New("overlap")

// Agents finds the agent that a flow belongs to. Not safe for concurrent use
// while hosts are being resolved.
type Agents struct {
	list     []Agent
	addrs    map[netip.Addr]string
	prefixes []claim
	ifaces   map[string]string
	rules    map[string]string
	hosts    map[string]string // host name to agent
	resolved map[netip.Addr]string

	containers []contained
	where      *Whereabouts

	exes    map[string]string // executable to agent
	cgroups map[string]string
}

type claim struct {
	prefix netip.Prefix
	agent  string
}

// NewAgents returns the agents, or an error that wraps [ErrOverlap] and names
// both where selectors of two agents claim the same flows.
func NewAgents(list []Agent) (*Agents, error) {
	a := &Agents{
		addrs: map[netip.Addr]string{}, ifaces: map[string]string{}, rules: map[string]string{},
		hosts: map[string]string{}, resolved: map[netip.Addr]string{},
		exes: map[string]string{}, cgroups: map[string]string{},
	}
	for _, agent := range list {
		for _, s := range agent.Selectors {
			if err := a.add(agent.Name, s); err != nil {
				return nil, err
			}
		}
	}
	a.list = slices.Clone(list)
	slices.SortFunc(a.list, func(x, y Agent) int { return strings.Compare(x.Name, y.Name) })
	return a, nil
}

func (a *Agents) add(agent string, s Selector) error {
	switch {
	case s.Host != "":
		return put(a.hosts, s.Host, agent, "host name "+s.Host)
	case s.Interface != "":
		return put(a.ifaces, s.Interface, agent, "interface "+s.Interface)
	case s.Rule != "":
		return put(a.rules, s.Rule, agent, "firewall rule "+s.Rule)
	case s.Container != (Criterion{}):
		a.containers = append(a.containers, contained{s.Container, agent})
		return nil
	case s.Process != (Criterion{}):
		return a.addProcess(agent, s.Process)
	}
	for _, c := range a.prefixes {
		if c.agent != agent && c.prefix.Overlaps(s.Prefix) {
			return overlap(c.agent, agent, Selector{Prefix: c.prefix}.String()+" and "+s.String())
		}
	}
	a.prefixes = append(a.prefixes, claim{s.Prefix, agent})
	if s.Prefix.IsSingleIP() {
		a.addrs[s.Prefix.Addr()] = agent
	}
	return nil
}

func put(m map[string]string, key, agent, what string) error {
	if other, taken := m[key]; taken && other != agent {
		return overlap(other, agent, what)
	}
	m[key] = agent
	return nil
}

func overlap(a, b, what string) error {
	return WithHint(fmt.Errorf("agents %s and %s claim the same flows (%s): %w", a, b, what, ErrOverlap),
		"a flow belongs to one agent; give each its own addresses")
}

// List returns the agents by name.
func (a *Agents) List() []Agent { return a.list }

// Hosts returns the host names to resolve, in order.
func (a *Agents) Hosts() []string {
	var names []string
	for h := range a.hosts {
		names = append(names, h)
	}
	slices.Sort(names)
	return names
}

// Resolve says what addresses a host name has now. Addresses it had before stay
// its own: a flow in the log may be older than the answer.
func (a *Agents) Resolve(host string, addrs []netip.Addr) error {
	agent := a.hosts[host]
	for _, ip := range addrs {
		ip = ip.Unmap().WithZone("")
		if other, err := a.bySource(ip); err != nil || other != "" && other != agent {
			return overlap(other, agent, host+" is "+ip.String())
		}
		a.resolved[ip] = agent
	}
	return nil
}

// Obscure says whether flows of an agent may come from addresses that no selector
// names: where an interface, a rule of the firewall, a container or a process
// finds them.
func (a *Agents) Obscure() bool {
	return len(a.ifaces)+len(a.rules)+len(a.containers)+len(a.exes)+len(a.cgroups) > 0
}

// Sources returns the prefixes that agents are known by.
func (a *Agents) Sources() []netip.Prefix {
	var out []netip.Prefix
	for _, c := range a.prefixes {
		out = append(out, c.prefix)
	}
	for ip := range a.resolved {
		out = append(out, netip.PrefixFrom(ip, ip.BitLen()))
	}
	slices.SortFunc(out, netip.Prefix.Compare)
	return out
}

// Of returns the agent f belongs to, "" if none claims it.
func (a *Agents) Of(f *Flow) (string, error) {
	agent, err := a.bySource(f.Src)
	if agent == "" && err == nil && len(a.containers) > 0 {
		agent, err = a.byContainer(f)
	}
	if err != nil || len(a.ifaces)+len(a.rules)+len(a.exes)+len(a.cgroups) == 0 {
		return agent, err
	}
	for _, other := range []string{a.ifaces[f.Interface], a.rules[f.Rule], a.byExe(f.Process), a.byCgroup(f.Process)} {
		if other == "" || other == agent {
			continue
		}
		if agent != "" {
			return "", overlap(agent, other, "a flow from "+f.Src.String()+where(f))
		}
		agent = other
	}
	return agent, nil
}

// where says what a flow was on, or of.
func where(f *Flow) (text string) {
	if f.Interface != "" {
		text = " on " + Printable(f.Interface)
	}
	if f.Process != nil && f.Process.Exe != "" {
		text += " of " + Printable(f.Process.Exe)
	}
	return text
}

func (a *Agents) bySource(ip netip.Addr) (string, error) {
	if agent, ok := a.addrs[ip]; ok {
		return agent, nil
	}
	agent := a.resolved[ip]
	for _, c := range a.prefixes {
		if !c.prefix.Contains(ip) || c.agent == agent {
			continue
		}
		if agent != "" {
			return "", overlap(agent, c.agent, ip.String())
		}
		agent = c.agent
	}
	return agent, nil
}
