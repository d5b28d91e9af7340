package source

// How long a line explains another, in seconds.
const (
	pairWindow     = 2      // from the inside of the firewall to its outside
	exchangeWindow = 2 * 60 // a state of UDP that timed out and came again
	synWindow      = 3 * 60 // the same SYN, sent again
	retryWindow    = 60     // any other packet, sent again
)

// A judge decides, in the order of the log, which records are one outbound
// connection of a local host each. Whatever writes firewall records can use it.
type judge struct {
	place  place
	roles  roles
	recent recent
	now    uint32 // time of the last record
}

func newJudge(o Options) *judge {
	return &judge{
		place:  place{local: o.Local, firewall: o.Firewall},
		roles:  newRoles(o),
		recent: newRecent(),
	}
}

// decide sets Counted and Why.
func (j *judge) decide(r *Record) {
	j.now = max(1, uint32(r.Time.Unix())) // before 1970 it wraps, and distances hold
	if r.Why = j.aside(r); r.Why != "" {
		return
	}
	switch {
	case r.Act == "pass" && r.Direction == "in":
		r.Why = j.passIn(r)
	case r.Act == "pass":
		r.Why = j.passOut(r)
	case r.Direction == "in":
		r.Why = j.blockIn(r)
	default:
		r.Why = j.blockOut(r)
	}
	r.Counted = r.Why == Outbound || r.Why == OutboundNAT || r.Why == Blocked
}

// aside sorts out what is no decision of a rule about the start of something.
func (j *judge) aside(r *Record) Why {
	switch {
	case r.Act != "pass" && r.Act != "block":
		return Translation
	case r.Reason != "match":
		return NotARule
	case r.Fragment:
		return Fragmented
	case r.Direction != "in" && r.Direction != "out":
		return NoDirection
	}
	return ""
}

// passIn judges what a rule let in on an interface. Where hosts and the internet
// are on the same side, as far as the log shows, only local addresses are hosts.
func (j *judge) passIn(r *Record) Why {
	if !j.fromHost(r) {
		return Inbound
	}
	if why := j.place.noDestination(r.Dst); why == Loopback {
		return Redirected
	} else if why != "" {
		return why
	}
	tuple := j.tupleKey(r)
	if j.recent.within(tuple^leftFirst, j.now, pairWindow) {
		return SameConnection
	}
	j.recent.note(j.targetKey(r), j.now, pairWindow)
	j.recent.note(tuple, j.now, pairWindow)
	return j.exchange(r, Outbound)
}

// fromHost says whether a packet that was let in comes from the inside.
func (j *judge) fromHost(r *Record) bool {
	if j.place.isLocal(r.Src) {
		is := j.roles.learn(r.Interface, hosts)
		return is == inside || is == mixed
	}
	if j.roles.of(r.Interface) != inside {
		return false
	}
	j.roles.addHost(r.Interface, r.Src)
	return true
}

// passOut judges what a rule let out on an interface: after translation, so that
// the source may be the firewall's own address.
func (j *judge) passOut(r *Record) Why {
	if why := j.place.noDestination(r.Dst); why != "" {
		return why
	}
	if j.towardsHost(r) {
		return TowardsLocal
	}
	j.roles.learn(r.Interface, j.departure(r))
	tuple := j.tupleKey(r)
	if j.recent.within(j.targetKey(r), j.now, pairWindow) || j.recent.within(tuple, j.now, pairWindow) {
		return SameConnection
	}
	// The two lines may come in the wrong order. Only the same five values are
	// looked for then: of a translated connection, the line on the inside alone
	// knows the host.
	j.recent.note(tuple^leftFirst, j.now, pairWindow)
	if j.place.isOwn(r.Src) {
		return j.exchange(r, Outbound)
	}
	return j.exchange(r, OutboundNAT)
}

// leftFirst makes of the key of a flow that of its line on the outside.
const leftFirst = 0x5bd1e9955bd1e995

// towardsHost says whether a packet on the way out goes to a host. A local
// address is one, and so is whatever is on an interface that the user called
// inside. On one that only looks like the inside, a single forged or stray
// private source made it look so, and all traffic of a site must not be dropped
// for that: a destination there is a host if it is an IPv6 address of a network
// from which packets came in there. IPv4 hosts with public addresses are known
// by [Options] alone.
func (j *judge) towardsHost(r *Record) bool {
	return j.place.isHost(r.Dst) || j.roles.isSaid(r.Interface, inside) || j.roles.hasHost(r.Interface, r.Dst)
}

// departure is what a packet shows that was let out to the internet. IPv4 leaves
// with the firewall's own address; IPv6 may as well come from the internet, to a
// host that was silent so far.
func (j *judge) departure(r *Record) evidence {
	if r.Src.Is4() || j.place.isFirewall(r.Src) {
		return translated
	}
	return outwards
}

// exchange merges the lines of one UDP exchange that outlived its state.
func (j *judge) exchange(r *Record, why Why) Why {
	if r.Proto == protoUDP && j.recent.seen(j.tupleKey(r), j.now, exchangeWindow) {
		return SameExchange
	}
	return why
}

// tupleKey is all that makes two lines lines of the same flow.
func (j *judge) tupleKey(r *Record) uint64 { return j.recent.tuple(keyTuple, r, 0) }

// targetKey is what the line on the inside and the line on the outside have in
// common: of TCP the sequence number, else the length.
func (j *judge) targetKey(r *Record) uint64 {
	extra := uint64(r.Length)
	if r.Proto == protoTCP && r.HasSeq {
		extra = uint64(r.Seq)
	}
	return j.recent.target(keyTarget, r, extra)
}

// blockIn judges what a rule refused on the way in.
func (j *judge) blockIn(r *Record) Why {
	side := j.roles.of(r.Interface)
	if side == outside || side != inside && !j.place.isLocal(r.Src) {
		return Inbound
	}
	if why := j.place.noDestination(r.Dst); why != "" {
		return why
	}
	return j.attempt(r)
}

// blockOut judges what a rule refused on the way out.
func (j *judge) blockOut(r *Record) Why {
	if why := j.place.noDestination(r.Dst); why != "" {
		return why
	}
	if j.towardsHost(r) {
		return TowardsLocal
	}
	return j.attempt(r)
}

// attempt counts a refused packet that would have opened something, once.
func (j *judge) attempt(r *Record) Why {
	if why := opensNothing(r); why != "" {
		return why
	}
	window, extra := uint32(retryWindow), uint64(0)
	if r.Proto == protoTCP {
		window, extra = synWindow, uint64(r.Seq)
	}
	if j.recent.seen(j.recent.tuple(keyRetry, r, extra), j.now, window) {
		return Retry
	}
	return Blocked
}
