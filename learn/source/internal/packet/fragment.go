package packet

import "slices"

// Bounds of what waits for its other fragments (RFC 8900 has why there are few
// of them in practice).
const (
	mostFragments    = 1024            // datagrams
	mostFragmentRoom = 8 << 20         // bytes
	mostPieces       = 64              // of one datagram
	mostDatagram     = 1<<16 + 1280    // bytes of one
	fragmentWindow   = 30 * int64(1e9) // nanoseconds; Linux waits as long
)

// A fragmentKey is what the fragments of a datagram have in common.
type fragmentKey struct {
	src, dst Addr
	id       uint32
	proto    uint8
}

// A fragmentOf says where a fragment belongs.
type fragmentOf struct {
	offset int
	more   bool // others follow
	cut    bool // not all of it was captured
	now    int64
}

// A datagram is put together from fragments.
type datagram struct {
	key    fragmentKey
	data   []byte
	pieces []piece
	total  int    // 0 until the last fragment is there
	length uint32 // bytes of IP that were not accounted for yet
	since  int64
}

// A piece is a stretch of a datagram that is there.
type piece struct{ from, to int }

// Fragments wait for the rest of their datagrams, oldest first.
type fragments struct {
	waiting map[fragmentKey]*datagram
	order   []*datagram
	room    int
	dropped uint64
}

func newFragments() fragments { return fragments{waiting: map[fragmentKey]*datagram{}} }

// add takes a fragment. The first one has the ports, so that the flow is known
// even if the rest never comes: it is a packet at once, without payload. The one
// that completes the datagram is a packet with all of the payload.
func (f *fragments) add(k fragmentKey, data []byte, at fragmentOf, p *Packet) Kind {
	f.expire(at.now)
	g := f.datagram(k, at.now)
	first, length := at.offset == 0, p.Length
	if !f.put(g, data, at) {
		f.drop(g)
		return Malformed
	}
	if !first {
		g.length += length
	}
	if g.total > 0 && g.have() == g.total && !at.cut {
		delete(f.waiting, k)
		f.room -= cap(g.data)
		p.Length = g.length
		if first {
			p.Length += length
		}
		return p.transport(g.data[:g.total])
	}
	if !first {
		return Piece
	}
	kind := p.transport(data)
	p.Payload = nil
	return kind
}

// datagram returns the one that a fragment belongs to.
func (f *fragments) datagram(k fragmentKey, now int64) *datagram {
	if g := f.waiting[k]; g != nil {
		return g
	}
	for len(f.waiting) >= mostFragments || f.room > mostFragmentRoom {
		f.dropOldest()
	}
	g := &datagram{key: k, since: now}
	f.waiting[k] = g
	if len(f.order) > 4*mostFragments { // most of them are complete, and gone
		f.order = slices.DeleteFunc(f.order, func(g *datagram) bool { return f.waiting[g.key] != g })
	}
	f.order = append(f.order, g)
	return g
}

// put copies a fragment to its place. Fragments that overlap are an attack (RFC
// 5722); the same one again is not.
func (f *fragments) put(g *datagram, data []byte, at fragmentOf) bool {
	end := at.offset + len(data)
	if end > mostDatagram || len(g.pieces) == mostPieces || at.more && len(data)%8 != 0 && !at.cut {
		return false
	}
	for _, q := range g.pieces {
		if q == (piece{at.offset, end}) {
			return true
		}
		if at.offset < q.to && q.from < end {
			return false
		}
	}
	if !at.more && !at.cut {
		g.total = end
	}
	if g.total > 0 && max(end, g.last()) > g.total {
		return false
	}
	f.room -= cap(g.data)
	if len(g.data) < end {
		g.data = append(g.data, make([]byte, end-len(g.data))...)
	}
	f.room += cap(g.data)
	copy(g.data[at.offset:], data)
	g.pieces = append(g.pieces, piece{at.offset, end})
	return true
}

// have is how many bytes are there.
func (g *datagram) have() (n int) {
	for _, q := range g.pieces {
		n += q.to - q.from
	}
	return n
}

// last is where the last piece that is there ends.
func (g *datagram) last() (end int) {
	for _, q := range g.pieces {
		end = max(end, q.to)
	}
	return end
}

// expire drops what has waited too long.
func (f *fragments) expire(now int64) {
	for len(f.order) > 0 {
		g := f.order[0]
		waits := f.waiting[g.key] == g
		if waits && now-g.since < fragmentWindow {
			return
		}
		if waits {
			f.drop(g)
		}
		f.order = f.order[1:]
	}
}

func (f *fragments) dropOldest() {
	for len(f.order) > 0 {
		g := f.order[0]
		f.order = f.order[1:]
		if f.waiting[g.key] == g {
			f.drop(g)
			return
		}
	}
}

func (f *fragments) drop(g *datagram) {
	if f.waiting[g.key] == g {
		delete(f.waiting, g.key)
		f.room -= cap(g.data)
		f.dropped++
	}
}
