package learn

import (
	"net/netip"

	"tripline/ipranges"
)

// Never is the bounding set: what no baseline may admit, however often it was
// seen. The zero value forbids nothing; use [NewNever].
type Never struct {
	reasons []reason
	private ipranges.Set
	names   map[string]bool
}

type reason struct {
	why string
	set ipranges.Set
}

// metadata is where clouds answer a machine's questions about itself, secrets
// included: AWS, GCP, Azure and others; AWS by IPv6; Alibaba; GCP by IPv6;
// Oracle; the host of an Azure machine.
var metadata = []string{
	"169.254.169.254/32", "fd00:ec2::254/128", "100.100.100.200/32", "fd20:ce::254/128", "192.0.0.192/32", "168.63.129.16/32",
}

var metadataSet = setOf(metadata)

// Metadata says whether a cloud answers a machine's questions about itself at a.
func Metadata(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return a.IsValid() && metadataSet.Contains(a)
}

// special is the space that is never a destination of its own right.
// Sources: RFC 6890 and its registries, RFC 1122 section 3.2.1.3 (loopback,
// this network), RFC 3927 and RFC 4291 (link-local), RFC 5771 and RFC 4291
// (multicast), RFC 919 (limited broadcast).
var special = []struct {
	why      string
	prefixes []string
}{
	{"cloud metadata", metadata},
	{"loopback", []string{"127.0.0.0/8", "::1/128"}},
	{"link-local", []string{"169.254.0.0/16", "fe80::/10"}},
	{"multicast", []string{"224.0.0.0/4", "ff00::/8"}},
	{"this network", []string{"0.0.0.0/8", "::/128"}},
	{"broadcast and reserved", []string{"240.0.0.0/4"}},
}

// privateSpace is what a rule may name one host at a time and never as a whole:
// RFC 1918, RFC 6598 (shared address space) and RFC 4193 (unique local).
var privateSpace = []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"}

// NewNever returns the default bounding set with the user's own additions.
func NewNever(prefixes []netip.Prefix, names []string) Never {
	n := Never{private: translated(setOf(privateSpace)), names: map[string]bool{}}
	for _, s := range special {
		n.reasons = append(n.reasons, reason{s.why, translated(setOf(s.prefixes))})
	}
	if len(prefixes) > 0 {
		n.reasons = append(n.reasons, reason{"in the never list of the configuration", translated(ipranges.NewSet(prefixes...))})
	}
	for _, name := range names {
		n.names[name] = true
	}
	return n
}

// Forbids says whether no rule may admit a, and in words why. An address that
// holds an IPv4 address is what that one is.
func (n Never) Forbids(a netip.Addr) (why string, forbidden bool) {
	a = held(a)
	for _, r := range n.reasons {
		if r.set.Contains(a) {
			return r.why, true
		}
	}
	return "", false
}

// ForbidsName says whether no rule may admit the name.
func (n Never) ForbidsName(name string) bool { return n.names[name] }

// Private says whether a is in space where a rule may name only single hosts.
func (n Never) Private(a netip.Addr) bool { return n.private.Contains(held(a)) }

// Bound returns what is left of a rule's addresses: nothing forbidden, none that only
// stands for a name, and private space only where the rule names that one host. So is
// the space of local translators: where in it an IPv4 address is, only they know.
func (n Never) Bound(s ipranges.Set, single bool) ipranges.Set {
	s = s.Subtract(standInSet)
	for _, r := range n.reasons {
		s = s.Subtract(r.set)
	}
	switch {
	case !n.private.IsEmpty() && !single:
		return s.Subtract(n.private).Subtract(localSpace)
	case !s.Intersect(localSpace).IsEmpty():
		return n.withoutHeld(s)
	}
	return s
}

// withoutHeld drops the hosts of local translators that hold what is forbidden.
func (n Never) withoutHeld(s ipranges.Set) ipranges.Set {
	for _, p := range s.Intersect(localSpace).Prefixes() {
		if _, forbidden := n.Forbids(p.Addr()); forbidden {
			s = s.Subtract(ipranges.NewSet(p))
		}
	}
	return s
}

// Reaches says in words which parts of the bounding set a wide rule for s would
// open, if it were not bounded.
func (n Never) Reaches(s ipranges.Set) (why []string) {
	for _, r := range n.reasons {
		if !s.Intersect(r.set).IsEmpty() {
			why = append(why, r.why)
		}
	}
	if !s.Intersect(n.private).IsEmpty() {
		why = append(why, "private space")
	}
	return why
}

// Hosts returns the space that folding must not widen into.
func (n Never) Hosts() ipranges.Set {
	s := n.private
	for _, r := range n.reasons {
		s = s.Union(r.set)
	}
	return s
}

func setOf(texts []string) ipranges.Set {
	prefixes := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		prefixes[i] = netip.MustParsePrefix(t)
	}
	return ipranges.NewSet(prefixes...)
}
