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
		return LaterFragment
	case r.Direction != "in" && r.Direction != "out":
		return NoDirection
	}
	return ""
}

// passIn judges what a rule let in on an interface.
func (j *judge) passIn(r *Record) Why {
	side := j.roles.of(r.Interface)
	if j.place.isLocal(r.Src) {
		side = j.roles.learn(r.Interface, inside)
	}
	if side != inside {
		return Inbound
	}
	if why := j.place.noDestination(r.Dst); why == Loopback {
		return Redirected
	} else if why != "" {
		return why
	}
	j.recent.note(j.targetKey(r), j.now, pairWindow)
	j.recent.note(j.tupleKey(r), j.now, pairWindow)
	return j.exchange(r, Outbound)
}

// passOut judges what a rule let out on an interface: after translation, so that
// the source may be the firewall's own address.
func (j *judge) passOut(r *Record) Why {
	if why := j.place.noDestination(r.Dst); why != "" {
		return why
	}
	if j.place.isLocal(r.Dst) && !isMetadata(r.Dst) {
		return TowardsLocal
	}
	if j.roles.learn(r.Interface, outside) == inside {
		return TowardsLocal
	}
	if j.recent.within(j.targetKey(r), j.now, pairWindow) ||
		j.recent.within(j.tupleKey(r), j.now, pairWindow) {
		return SameConnection
	}
	if j.place.isOwn(r.Src) {
		return j.exchange(r, Outbound)
	}
	return j.exchange(r, OutboundNAT)
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
	if side == outside || side == unknown && !j.place.isLocal(r.Src) {
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
	if j.place.isLocal(r.Dst) && !isMetadata(r.Dst) || j.roles.of(r.Interface) == inside {
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
