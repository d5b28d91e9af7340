package netflow

// Flags of TCP, and those whose presence tells an answer.
const (
	fin = 1 << iota
	syn
	rst
	psh
	ack
)

// privileged is the port below which services are, and clients are not.
const privileged = 1024

// alone says who began the connection of which one direction is known, or both
// in one record.
func alone(r *Record) Conversation {
	turned, even := false, false
	switch {
	case r.Initiator != 0:
		turned = r.Initiator == 2
	case r.Event != NoEvent:
	case r.Reverse:
		turned, even = answersBiflow(r)
	case r.Proto == tcp && isAnswer(r):
		turned = true
	case r.Proto == tcp && (r.Flags&syn != 0 && r.Flags&ack == 0 || Resets(r.Flags)):
	default:
		turned = hasPorts(r.Proto) && serves(r.SrcPort, r.DstPort)
	}
	if turned {
		r.turn()
	}
	return Conversation{Record: *r, Even: even}
}

// answersBiflow says whether the source of a record of both directions is not who
// began it, and whether nothing tells. It should be (RFC 5103, section 3), but
// softflowd writes the lower address there: where the source has the port of a
// service, that is not believed.
func answersBiflow(r *Record) (is, even bool) {
	back := Record{Proto: r.Proto, Flags: r.ReverseFlags}
	switch {
	case r.Proto == tcp && refuses(r, &back):
		return true, false
	case !hasPorts(r.Proto):
		return false, false
	}
	return serves(r.SrcPort, r.DstPort), r.SrcPort < r.DstPort && !serves(r.SrcPort, r.DstPort)
}

// isAnswer says whether the only packet of a record is an answer to another one:
// it accepts or refuses a connection.
func isAnswer(r *Record) bool {
	answers := r.Flags&(syn|ack) == syn|ack || r.Flags == rst|ack
	return answers && r.Packets == 1
}

// Resets says whether all that a side sent in TCP was to refuse a connection.
func Resets(flags uint8) bool { return flags&rst != 0 && flags&^(rst|ack) == 0 }

// serves says whether only the first port is one of services.
func serves(a, b uint16) bool { return a < privileged && b >= privileged }

// together makes one conversation of two records, a being the one that came
// first. Some exporters write both directions with the same stamps, in an order
// of their own: then the lower port is that of the service.
func together(a, b *Record) Conversation {
	turned, even := answers(a, b)
	if turned {
		a, b = b, a
	}
	c := Conversation{Record: *a, Even: even}
	c.Reverse, c.ReverseOctets, c.ReversePackets, c.ReverseFlags = true, b.Octets, b.Packets, b.Flags
	c.End = later(a.End, b.End)
	c.Dropped = a.Dropped || b.Dropped
	if c.Host == nil {
		c.Host = b.Host
	}
	return c
}

// answers says whether a is the answer to b, and whether nothing tells.
func answers(a, b *Record) (is, even bool) {
	middle := a.Proto == tcp && a.Flags != 0 && b.Flags != 0 && (a.Flags|b.Flags)&syn == 0
	switch {
	case a.Proto == tcp && refuses(a, b) != refuses(b, a):
		return refuses(a, b), false
	case isEcho(a) != isEcho(b):
		return isEcho(b), false
	case !middle && !a.Start.Equal(b.Start):
		return b.Start.Before(a.Start), false
	case hasPorts(a.Proto) && a.SrcPort != a.DstPort:
		return a.SrcPort < a.DstPort, false
	}
	return b.Start.Before(a.Start), a.Start.Equal(b.Start)
}

// refuses says whether a did nothing but refuse what b tried.
func refuses(a, b *Record) bool { return Resets(a.Flags) && b.Flags&(syn|ack) == syn }

// isEcho says whether a record is of requests of ICMP. Exporters without a field
// for the type have it in the destination port.
func isEcho(r *Record) bool {
	kind, ok := r.Type()
	return ok && (r.Proto == icmp && kind == 8 || r.Proto == icmp6 && kind == 128)
}

// Type returns the type of ICMP, if the record says it.
func (r *Record) Type() (kind uint8, ok bool) {
	switch {
	case r.Proto != icmp && r.Proto != icmp6:
		return 0, false
	case r.HasICMP:
		return r.ICMPType, true
	}
	return uint8(r.DstPort >> 8), r.DstPort != 0
}
