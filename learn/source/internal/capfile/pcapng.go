package capfile

import "math/bits"

// The blocks of pcapng that matter here (draft-ietf-opsawg-pcapng, section 4).
// All others are passed over.
const (
	sectionBlock  = 0x0a0d0d0a
	facesBlock    = 1
	oldBlock      = 2 // packet block, obsolete
	simpleBlock   = 3
	statsBlock    = 5
	enhancedBlock = 6
)

// Options in blocks.
const (
	optEnd      = 0
	optName     = 2
	optDropped  = 5 // if_drop in statistics
	optOSDrop   = 7
	optTime     = 9  // if_tsresol
	optTimeZero = 14 // if_tsoffset
)

// mostFaces bounds what a hostile section can make us remember.
const mostFaces = 4096

// A face is an interface that packets were captured on.
type face struct {
	name    string
	link    uint16
	snap    uint32
	units   uint64 // in a second
	zero    int64  // seconds to add
	dropped uint64
}

// nextBlock reads blocks up to the next packet.
func (r *Reader) nextBlock(p *Packet) error {
	for {
		block, err := r.block()
		if err != nil {
			return err
		}
		at := r.pos
		r.pos += len(block)
		ok, why := r.take(block, p)
		if why != "" {
			r.pos = at
			return r.damaged("%s", why)
		}
		if ok {
			r.packets++
			r.last = p.Time
			return nil
		}
	}
}

// block returns the next whole block.
func (r *Reader) block() ([]byte, error) {
	head, err := r.need(12)
	if err != nil {
		return nil, err
	}
	if r.uint32(head) == sectionBlock { // the same in both orders
		r.big = head[8] == 0x1a
	}
	length := r.uint32(head[4:])
	if length < 12 || length%4 != 0 || length > MostRecord {
		return nil, r.damaged("a block of %d bytes", length)
	}
	return r.need(int(length))
}

// take reads a block; ok says whether it is a packet, why that it is broken.
func (r *Reader) take(block []byte, p *Packet) (ok bool, why string) {
	body := block[8 : len(block)-4]
	switch r.uint32(block) {
	case sectionBlock:
		r.faces = r.faces[:0]
		if len(body) < 16 {
			return false, "a section header that is too short"
		}
	case facesBlock:
		return false, r.face(body)
	case enhancedBlock:
		return r.enhanced(body, p)
	case simpleBlock:
		return r.simple(body, p)
	case oldBlock:
		return r.old(body, p)
	case statsBlock:
		r.stats(body)
	}
	return false, ""
}

func (r *Reader) face(body []byte) (why string) {
	if len(body) < 8 {
		return "an interface description that is too short"
	}
	if len(r.faces) == mostFaces {
		return "too many interfaces"
	}
	f := face{link: r.uint16(body), snap: r.uint32(body[4:]), units: 1e6}
	r.options(body[8:], func(code uint16, value []byte) {
		switch {
		case code == optName:
			f.name = string(value[:min(len(value), 64)])
		case code == optTime && len(value) >= 1:
			f.units = units(value[0])
		case code == optTimeZero && len(value) >= 8:
			f.zero = int64(r.uint64(value))
		}
	})
	r.faces = append(r.faces, f)
	return ""
}

// options calls f with each option of a block.
func (r *Reader) options(b []byte, f func(code uint16, value []byte)) {
	for len(b) >= 4 {
		code, length := r.uint16(b), int(r.uint16(b[2:]))
		if code == optEnd || 4+length > len(b) {
			return
		}
		f(code, b[4:4+length])
		b = b[min(len(b), 4+(length+3)&^3):]
	}
}

// units decodes if_tsresol: a power of ten, or of two with the top bit set.
func units(b byte) uint64 {
	if b&0x80 != 0 {
		return 1 << min(b&0x7f, 63)
	}
	n := uint64(1)
	for range min(b, 19) {
		n *= 10
	}
	return n
}

func (r *Reader) uint64(b []byte) uint64 {
	one, two := uint64(r.uint32(b)), uint64(r.uint32(b[4:]))
	if r.big {
		return one<<32 | two
	}
	return two<<32 | one
}

// since1970 turns a time stamp of two halves, the higher first, into
// nanoseconds.
func (f *face) since1970(high, low uint32) int64 {
	ticks := uint64(high)<<32 | uint64(low)
	switch f.units {
	case 1e6:
		return int64(ticks)*1000 + f.zero*1e9
	case 1e9:
		return int64(ticks) + f.zero*1e9
	}
	whole, part := ticks/f.units, ticks%f.units
	over, under := bits.Mul64(part, 1e9)
	nanos, _ := bits.Div64(over, under, f.units) // part < units, so it fits
	return int64(whole)*1e9 + int64(nanos) + f.zero*1e9
}

func (r *Reader) enhanced(body []byte, p *Packet) (ok bool, why string) {
	if len(body) < 20 {
		return false, "a packet block that is too short"
	}
	return r.packet(p, r.uint32(body), body[4:], body[20:])
}

// old reads the packet block that came before the enhanced one: it has a count
// of drops where that has the upper half of the interface.
func (r *Reader) old(body []byte, p *Packet) (ok bool, why string) {
	if len(body) < 20 {
		return false, "a packet block that is too short"
	}
	return r.packet(p, uint32(r.uint16(body)), body[4:], body[20:])
}

// packet reads what both have in common: time, lengths, data.
func (r *Reader) packet(p *Packet, at uint32, head, data []byte) (ok bool, why string) {
	if int64(at) >= int64(len(r.faces)) {
		return false, "a packet of an interface that was not described"
	}
	f, length := &r.faces[at], r.uint32(head[8:])
	if int64(length) > int64(len(data)) {
		return false, "a packet that is longer than its block"
	}
	p.Time = f.since1970(r.uint32(head), r.uint32(head[4:]))
	p.Data, p.Length, p.Link, p.Interface = data[:length], r.uint32(head[12:]), f.link, f.name
	return true, ""
}

// simple reads a packet that has no time: that of the one before is used.
func (r *Reader) simple(body []byte, p *Packet) (ok bool, why string) {
	if len(body) < 4 || len(r.faces) == 0 {
		return false, "a simple packet block that is too short or has no interface"
	}
	f, length := &r.faces[0], r.uint32(body)
	data := body[4:]
	if f.snap > 0 {
		data = data[:min(int64(len(data)), int64(f.snap))]
	}
	data = data[:min(int64(len(data)), int64(length))]
	p.Time, p.Data, p.Length, p.Link, p.Interface = r.last, data, length, f.link, f.name
	return true, ""
}

// stats reads how many packets were dropped so far.
func (r *Reader) stats(body []byte) {
	if len(body) < 12 || int64(r.uint32(body)) >= int64(len(r.faces)) {
		return
	}
	f, lost := &r.faces[r.uint32(body)], uint64(0)
	r.options(body[12:], func(code uint16, value []byte) {
		if (code == optDropped || code == optOSDrop) && len(value) >= 8 {
			lost += r.uint64(value)
		}
	})
	if lost > f.dropped {
		r.dropped += lost - f.dropped
		f.dropped = lost
	}
}
