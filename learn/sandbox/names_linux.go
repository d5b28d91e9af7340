package sandbox

import (
	"context"
	"encoding/binary"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tripline/learn"
	"tripline/learn/internal/dissect"
)

// Names are told apart by an address of their own each. An address is never
// another name's while the sandbox lasts.
var (
	names4 = netip.MustParsePrefix("198.18.0.0/15")
	names6 = netip.MustParsePrefix("fd74:7269:706c:1::/64")
)

// ours says whether an address is one of those, or of the link: outside nobody is meant by
// it. One that stands for no name is of an earlier sandbox, or made up.
func ours(a netip.Addr) bool {
	return names4.Contains(a) || names6.Contains(a) || inside6.Masked().Contains(a)
}

// mostNames is how many there are: as many as IPv4 addresses before those of the
// link.
const mostNames = 1<<17 - 1<<10

// A named is a name that the command asked for.
type named struct {
	name         string
	fake4, fake6 netip.Addr

	mu    sync.Mutex
	real  map[netip.Addr]bool // every address that it had
	now   [2][]netip.Addr     // IPv4 and IPv6 addresses that it has
	until [2]time.Time
	lost  [2]time.Time // when nobody answered for it last
}

// askAgain is how long nobody is asked again who did not answer: many wait for a name at
// once, and each of them would wait for as long.
const askAgain = 2 * time.Second

// names are those that the command asked for.
type names struct {
	resolver *resolver
	resolve  func(string) bool
	offline  bool
	ipv6     bool
	single   bool // a name has IPv6 addresses only if it has no others

	queries, silent atomic.Uint64
	asked           *questions

	mu     sync.Mutex
	byName map[string]*named
	byFake map[netip.Addr]*named
	others *learn.Namer // what other resolvers said
}

func newNames(o *Options, r *resolver) *names {
	return &names{
		resolver: r, resolve: o.Resolve, offline: o.Offline, ipv6: o.Offline || hasIPv6() || o.Dial != nil,
		byName: map[string]*named{}, byFake: map[netip.Addr]*named{}, others: learn.NewNamer(), asked: newQuestions(),
	}
}

// entry returns what stands for a name, nil when there is no address left.
func (n *names) entry(name string) *named {
	n.mu.Lock()
	defer n.mu.Unlock()
	if e := n.byName[name]; e != nil {
		return e
	}
	i := uint32(len(n.byName) + 1)
	if i >= mostNames {
		return nil
	}
	a4, a6 := names4.Addr().As4(), names6.Addr().As16()
	binary.BigEndian.PutUint32(a4[:], binary.BigEndian.Uint32(a4[:])+i)
	binary.BigEndian.PutUint32(a6[12:], i)
	e := &named{name: name, fake4: netip.AddrFrom4(a4), fake6: netip.AddrFrom16(a6), real: map[netip.Addr]bool{}}
	n.byName[name], n.byFake[e.fake4], n.byFake[e.fake6] = e, e, e
	return e
}

// of returns the name behind an address of ours.
func (n *names) of(fake netip.Addr) *named {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.byFake[fake]
}

// silently says whether nobody is asked for a name.
func (n *names) silently(name string) bool {
	return n.offline || n.resolve != nil && !n.resolve(name)
}

// addresses returns the addresses of a name of one family, and for how long they
// hold: what stands for them where nobody is asked. Whether there is such a name is
// in the code.
func (n *names) addresses(ctx context.Context, e *named, ip6 bool) (addrs []netip.Addr, ttl time.Duration, code answerCode) {
	if n.silently(e.name) {
		n.silent.Add(1)
		return []netip.Addr{learn.StandIn(e.name)}, time.Minute, answered
	}
	i := 0
	if ip6 {
		i = 1
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if rest := time.Until(e.until[i]); rest > 0 {
		return e.now[i], rest, answered
	}
	if time.Since(e.lost[i]) < askAgain {
		return nil, 0, failed
	}
	m, code := n.resolver.ask(ctx, e.name, ip6)
	if code == failed {
		e.lost[i] = time.Now()
	}
	if code != answered {
		return nil, 0, code
	}
	addrs = slices.DeleteFunc(m.Addrs, func(a netip.Addr) bool { return a.Is6() != ip6 })
	e.now[i], e.until[i] = addrs, time.Now().Add(m.TTL)
	for _, a := range addrs {
		e.real[a] = true
	}
	return addrs, m.TTL, answered
}

// behind returns the name and the addresses behind one of ours, looked up again
// if they have run out.
func (n *names) behind(ctx context.Context, fake netip.Addr) (name string, addrs []netip.Addr, ok bool) {
	e := n.of(fake)
	if e == nil {
		return "", nil, false
	}
	addrs, _, code := n.addresses(ctx, e, fake.Is6())
	if code != answered { // what it was before is better than nothing
		e.mu.Lock()
		addrs = e.now[0]
		if fake.Is6() {
			addrs = e.now[1]
		}
		e.mu.Unlock()
	}
	return e.name, addrs, true
}

// told says whether the command was told that a name is at an address.
func (n *names) told(name string, at netip.Addr) bool {
	n.mu.Lock()
	e := n.byName[name]
	n.mu.Unlock()
	if e == nil {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.real[at]
}

// heard reads the answer of another resolver.
func (n *names) heard(data []byte) {
	m, ok := dissect.DNS(data)
	name, fit := learn.CanonicalName(m.Name)
	if !ok || !fit || !m.Response || len(m.Addrs) == 0 {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.others.Note(inside, &learn.Answer{Time: time.Now().UTC(), Name: name, Addrs: m.Addrs, TTL: m.TTL})
}

// inside is the one client there is.
const inside = "inside"

// name gives a flow to a bare address the name that another resolver told.
func (n *names) name(f *learn.Flow) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.others.Name(f, inside)
}
