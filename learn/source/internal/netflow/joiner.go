package netflow

import (
	"slices"
	"time"
)

// hold is how long a record waits for the other direction of its connection.
// Exporters write both at the end of it, mostly into one datagram.
const hold = 2 * time.Second

// mostHeld bounds how many wait.
const mostHeld = 1 << 14

// A Conversation is one connection, or one more record of it. Src is who began
// it, as far as can be known.
type Conversation struct {
	Record
	Repeat bool // it was returned before: this is more of it, or its other direction
	Even   bool // nothing tells who began it
}

// A tuple is what tells connections apart.
type tuple struct {
	src, dst         [16]byte
	srcPort, dstPort uint16
	proto            uint8
}

func tupleOf(r *Record) tuple {
	t := tuple{src: r.Src.As16(), dst: r.Dst.As16(), proto: r.Proto}
	if hasPorts(r.Proto) {
		t.srcPort, t.dstPort = r.SrcPort, r.DstPort
	}
	return t
}

func (t tuple) turned() tuple {
	t.src, t.dst, t.srcPort, t.dstPort = t.dst, t.src, t.dstPort, t.srcPort
	return t
}

// Protocols by their numbers at IANA.
const (
	icmp  = 1
	tcp   = 6
	udp   = 17
	icmp6 = 58
	sctp  = 132
)

func hasPorts(proto uint8) bool { return proto == tcp || proto == udp || proto == sctp }

// A Joiner makes conversations of records: it joins the two directions of a
// connection, and knows the further records of a long one. Its time is that of
// the datagrams. It is not for concurrent use.
type Joiner struct {
	held  map[tuple]*heldRecord
	queue []*heldRecord // by age; those that were joined are gone
	out   []Conversation
	seen  memory
}

type heldRecord struct {
	Record
	since time.Time
	gone  bool
}

// NewJoiner returns a Joiner that has seen nothing.
func NewJoiner() *Joiner {
	return &Joiner{held: map[tuple]*heldRecord{}, seen: newMemory()}
}

// Add takes a record with addresses and a protocol that came at a time. Its Host
// is kept: hand in a copy.
func (j *Joiner) Add(r *Record, at time.Time) {
	t := tupleOf(r)
	back := t.turned()
	switch other := j.held[back]; {
	case j.held[t] != nil:
		j.out = append(j.out, Conversation{Record: *r, Repeat: true})
	case j.seen.more(t, r):
		j.out = append(j.out, Conversation{Record: *r, Repeat: true})
	case back != t && j.seen.more(back, r):
		r.turn()
		j.out = append(j.out, Conversation{Record: *r, Repeat: true})
	case other != nil && back != t:
		j.join(other, r)
	case r.Reverse || r.Event != NoEvent || r.Dst.IsMulticast():
		j.emit(alone(r))
	default:
		j.wait(t, r, at)
	}
}

func (j *Joiner) wait(t tuple, r *Record, at time.Time) {
	h := &heldRecord{Record: *r, since: at}
	j.held[t] = h
	if len(j.queue) > 2*mostHeld {
		j.queue = slices.DeleteFunc(j.queue, func(h *heldRecord) bool { return h.gone })
	}
	j.queue = append(j.queue, h)
	if len(j.held) > mostHeld {
		j.oldest()
	}
}

// Next returns the next conversation, in the order in which they were complete.
func (j *Joiner) Next(c *Conversation) bool {
	if len(j.out) == 0 {
		return false
	}
	*c = j.out[0]
	if j.out = j.out[1:]; len(j.out) == 0 {
		j.out = nil
	}
	return true
}

// Ready says whether [Joiner.Next] has one.
func (j *Joiner) Ready() bool { return len(j.out) > 0 }

// Expire lets go of what has waited for long enough. A clock that was set back
// is no reason to wait for longer.
func (j *Joiner) Expire(now time.Time) {
	for len(j.queue) > 0 {
		if d := now.Sub(j.queue[0].since); !j.queue[0].gone && d < hold && d > -hold {
			return
		}
		j.oldest()
	}
}

// Flush lets go of all that waits.
func (j *Joiner) Flush() {
	for len(j.queue) > 0 {
		j.oldest()
	}
}

// oldest lets go of what has waited for longest.
func (j *Joiner) oldest() {
	for len(j.queue) > 0 {
		h := j.queue[0]
		j.queue = j.queue[1:]
		if !h.gone {
			delete(j.held, tupleOf(&h.Record))
			j.emit(alone(&h.Record))
			return
		}
	}
}

// join makes one conversation of two directions, the one that came first first.
func (j *Joiner) join(other *heldRecord, r *Record) {
	other.gone = true
	delete(j.held, tupleOf(&other.Record))
	c := together(&other.Record, r)
	j.emit(c)
}

func (j *Joiner) emit(c Conversation) {
	j.seen.note(tupleOf(&c.Record), &c.Record)
	j.out = append(j.out, c)
}

// Turn takes the other side for who began it.
func (c *Conversation) Turn() { c.turn() }

// turn makes the record that of the other side.
func (r *Record) turn() {
	r.Src, r.Dst = r.Dst, r.Src
	r.SrcPort, r.DstPort = r.DstPort, r.SrcPort
	r.NATSrc, r.NATDst = r.NATDst, r.NATSrc
	r.NATSrcPort, r.NATDstPort = r.NATDstPort, r.NATSrcPort
	r.Octets, r.ReverseOctets = r.ReverseOctets, r.Octets
	r.Packets, r.ReversePackets = r.ReversePackets, r.Packets
	r.Flags, r.ReverseFlags = r.ReverseFlags, r.Flags
	r.Input, r.Output = r.Output, r.Input
}
