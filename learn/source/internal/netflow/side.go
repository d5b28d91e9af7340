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
	turned, sure := false, false
	switch {
	case r.Initiator == 2:
		turned, sure = true, true
	case r.Initiator == 1, r.Reverse, r.Event != NoEvent:
		sure = true // RFC 5103, section 3: the source of a biflow is who began it
	case r.Proto == tcp && isAnswer(r):
		turned, sure = true, true
	case r.Proto == tcp && r.Flags&syn != 0 && r.Flags&ack == 0:
		sure = true
	default:
		turned = serves(r.SrcPort, r.DstPort) && hasPorts(r.Proto) && r.Flags != rst
	}
	if turned {
		r.turn()
	}
	return Conversation{Record: *r, Sure: sure}
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
// first. Who sent the first packet began it. Where the stamps do not tell, or both
// are of the middle of a connection, the ports do, and then the order.
func together(a, b *Record) Conversation {
	turned, sure := b.Start.Before(a.Start), true
	middle := a.Proto == tcp && a.Flags != 0 && b.Flags != 0 && (a.Flags|b.Flags)&syn == 0
	if middle || a.Start.Equal(b.Start) {
		switch ported := hasPorts(a.Proto); {
		case ported && serves(a.SrcPort, a.DstPort):
			turned = true
		case ported && serves(a.DstPort, a.SrcPort):
			turned = false
		default:
			sure = !middle && a.Proto == tcp
		}
	}
	if turned {
		a, b = b, a
	}
	c := Conversation{Record: *a, Sure: sure}
	c.Reverse, c.ReverseOctets, c.ReversePackets, c.ReverseFlags = true, b.Octets, b.Packets, b.Flags
	c.End = later(a.End, b.End)
	c.Dropped = a.Dropped || b.Dropped
	if c.Host == nil {
		c.Host = b.Host
	}
	return c
}
