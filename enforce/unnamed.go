package enforce

import (
	"fmt"
	"net/netip"
	"time"

	"tripline/ipranges"
	"tripline/learn"
)

// Unnamed is the kind of an agent that stopped asking DNS while others go on: what
// it talks to has no name that anybody told it.
const Unnamed Kind = "unnamed"

// What it takes to say that an agent stopped asking. Each bound is there for what
// looks alike: a client that keeps addresses for long, a few that are built in, a
// resolver's log that stopped.
const (
	leastSilence  = 10 * time.Minute // since the agent was answered last
	leastUnnamed  = 10               // connections since then that DNS does not explain
	leastStranger = 3                // addresses of them
	leastAsked    = 5                // connections that DNS explained before
	leastOthers   = 5                // answers to others since then,
	mostOthersAge = 15 * time.Minute // of which the newest is no older
	mostStrangers = 1 << 10
	mostFamiliar  = 1 << 14
)

// An Asking judges whether agents still ask DNS where they go. It is told of
// answers and of flows in the order of time. The zero value is usable. Not safe
// for concurrent use.
type Asking struct {
	agents map[string]*asker
	others uint64    // answers to others
	heard  time.Time // of the newest of them
}

// An asker is what is known of one agent.
type asker struct {
	told     uint64              // connections that DNS explained, ever
	familiar map[netip.Addr]bool // addresses that had a name once, or were learned

	asked     time.Time // when it was answered last, or was seen first
	others    uint64    // answers to others up to then
	untold    uint64    // connections since then that DNS does not explain
	named     uint64    // of those, with a name of their own
	encrypted uint64    // connections to resolvers that hide what is asked
	strangers map[netip.Addr]bool
}

func (a *Asking) of(agent string) *asker {
	k := a.agents[agent]
	if k == nil {
		if a.agents == nil {
			a.agents = map[string]*asker{}
		}
		k = &asker{familiar: map[netip.Addr]bool{}}
		a.agents[agent] = k
	}
	return k
}

// Knew says what was learned of an agent: an address, and how many flows there
// DNS had named.
func (a *Asking) Knew(agent string, addr netip.Addr, told uint64) {
	k := a.of(agent)
	k.know(addr)
	k.told += told
}

func (k *asker) know(addr netip.Addr) {
	if len(k.familiar) < mostFamiliar {
		k.familiar[addr] = true
	}
}

// Answer notes an answer of DNS to an agent, or to somebody else if agent is "".
func (a *Asking) Answer(agent string, at time.Time) {
	if agent == "" {
		a.others++
		a.heard = at
		return
	}
	a.of(agent).begin(at, a.others)
}

// begin forgets what was not explained before: the agent asks.
func (k *asker) begin(at time.Time, others uint64) {
	k.asked, k.others, k.untold, k.named, k.encrypted, k.strangers = at, others, 0, 0, 0, map[netip.Addr]bool{}
}

// Flow judges a flow of an agent. Vouched says that a baseline admits its address
// as such, without a name. It returns a finding where the agent stopped asking,
// for each flow that shows it.
func (a *Asking) Flow(f *learn.Flow, vouched bool) *Alert {
	k := a.of(f.Agent)
	if k.asked.IsZero() {
		k.begin(f.Time, a.others)
	}
	switch {
	case f.DstPort == 53 || f.DstPort == 5353:
		return nil // asking, itself
	case learn.EncryptedDNS(f):
		k.encrypted++
		return nil
	case f.Resolved:
		k.told++
		k.know(f.Dst)
		return nil
	case vouched || k.familiar[f.Dst]:
		return nil
	}
	if k.untold++; f.Name != "" {
		k.named++
	}
	if len(k.strangers) < mostStrangers {
		k.strangers[f.Dst] = true
	}
	if !a.stopped(k, f.Time) {
		return nil
	}
	return a.finding(k, f)
}

// stopped says whether an agent asks no more, at some time. Where too little is
// known, or the source of answers may be silent, it does not.
func (a *Asking) stopped(k *asker, at time.Time) bool {
	enough := k.told >= leastAsked && k.untold >= leastUnnamed && len(k.strangers) >= leastStranger
	alive := a.others-k.others >= leastOthers && at.Sub(a.heard) <= mostOthersAge
	return enough && alive && at.Sub(k.asked) >= leastSilence
}

func (a *Asking) finding(k *asker, f *learn.Flow) *Alert {
	severity, why := Medium, fmt.Sprintf("%s to %d addresses since %s that no answer of DNS led to: none was given to the agent, and others got %s. It stopped asking, or asks where nobody sees it",
		many(k.untold), len(k.strangers), k.asked.UTC().Format(time.DateTime), ipranges.Thousands(a.others-k.others))
	if k.named > 0 {
		why += fmt.Sprintf("; %s of them say a name themselves", ipranges.Thousands(k.named))
	}
	if k.encrypted > 0 {
		severity = High
		why += "; " + many(k.encrypted) + " may be encrypted DNS"
	}
	return Finding(Unnamed, severity, f.Time, f.Agent, "DNS", why)
}
