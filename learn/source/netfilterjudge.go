package source

import "tripline/learn"

// The kernel logs packets, any of them and as often as rules say so, where a
// firewall logs its decision about the first. A packet that goes through is
// logged with both interfaces, one of this host itself with the other side
// empty; before routing OUT is empty too.

// decidePacket sets Counted and Why of a packet that the kernel logged. Flags
// says whether those of TCP were in the line.
func (j *judge) decidePacket(r *Record, in, out string, flags bool) {
	j.now = max(1, uint32(r.Time.Unix()))
	r.Why = j.packet(r, in, out)
	if r.Why == "" && (r.Proto != learn.TCP || flags) {
		r.Why = opensNothing(r)
	}
	if r.Why == "" {
		r.Why = j.once(r)
	}
	r.Counted = r.Why == Outbound || r.Why == Blocked
}

// packet says why a packet is none from a host on its way to a destination of
// interest, "" if it is.
func (j *judge) packet(r *Record, in, out string) Why {
	switch {
	case r.Fragment:
		return Fragmented
	case r.Malformed:
		return MalformedPkt
	case in == "lo" || out == "lo":
		return Loopback
	}
	if why := j.place.noDestination(r.Dst); why != "" {
		return why
	}
	if !j.sends(r, in, out) {
		return j.answered(r)
	}
	return ""
}

// sends says whether a packet comes from a host: from this one, from a local
// address, or from an interface that is inside. On a machine with one interface
// hosts and the internet are on the same side, so only what was forwarded tells
// which side an interface is on.
func (j *judge) sends(r *Record, in, out string) bool {
	if in == "" {
		return true
	}
	local := j.place.isLocal(r.Src)
	if local && j.roles.isSaid(in, outside) {
		return false // forged
	}
	if out != "" && in != out && local {
		j.roles.learn(in, hosts)
		if !j.place.isHost(r.Dst) {
			j.roles.learn(out, translated)
		}
	}
	return local || j.roles.of(in) == inside
}

// answered notes a packet from elsewhere, so that the reply to it is none of a
// host's own.
func (j *judge) answered(r *Record) Why {
	if converses(r.Proto) {
		j.recent.note(j.recent.tuple(keyTuple, r, 0), j.now, exchangeWindow)
	}
	return Inbound
}

// converses says whether packets of a protocol do not tell by themselves which
// of them was the first.
func converses(p learn.Proto) bool {
	return p != learn.TCP && p != learn.ICMP && p != learn.ICMPv6
}

// once counts the packets of one connection, and the lines of one packet, once.
// What was let through and what was refused are two things, whatever came first.
func (j *judge) once(r *Record) Why {
	if converses(r.Proto) && j.recent.within(j.recent.backwards(keyTuple, r), j.now, exchangeWindow) {
		return SameExchange
	}
	if r.Action == learn.Refused {
		if j.recent.seen(j.recent.tuple(keyRetry, r, 0), j.now, retryWindow) {
			return Retry
		}
		return Blocked
	}
	if j.recent.seen(j.recent.tuple(keyTuple, r, 0), j.now, exchangeWindow) {
		return SameExchange
	}
	return Outbound
}

// backwards is the key of all five values of the other direction of a flow.
func (t *recent) backwards(kind uint64, r *Record) uint64 {
	other := Record{Flow: learn.Flow{Proto: r.Proto, Src: r.Dst, Dst: r.Src, SrcPort: r.DstPort, DstPort: r.SrcPort}}
	return t.tuple(kind, &other, 0)
}
