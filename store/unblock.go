package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"net/netip"
	"time"

	"tripline/learn"
)

// A head is what a block says of itself without being expanded.
type head struct {
	columns     column // how many it has
	codec       byte
	count       int
	first, last instant
	run         string
	plain       int    // bytes of the body once expanded
	body        []byte // as it is kept
}

// headOf reads the head of a block; it does not look at the check sum.
func headOf(v []byte) (head, error) {
	if len(v) < 5 || v[0] == 0 || v[0] > blockVersion {
		return head{}, errors.New("block of an unknown version")
	}
	r := reader{b: v[1 : len(v)-4]}
	h := head{columns: columnsOf(v[0]), codec: r.byte(), count: int(min(r.uvarint(), maxFlows+1))}
	h.first, h.last = r.instant(), r.instant()
	h.run = r.text()
	h.plain = int(min(r.uvarint(), maxBody+1))
	h.body = r.b
	switch {
	case r.bad:
		return head{}, fmt.Errorf("head of a block: %w", errShort)
	case h.count == 0 || h.count > maxFlows || h.plain > maxBody || h.codec > codecZstd:
		return head{}, errors.New("head of a block: impossible numbers")
	}
	return h, nil
}

// columnsOf says how many columns a block of a version has.
func columnsOf(version byte) column {
	switch version {
	case 1:
		return firstColumns
	case 2:
		return secondColumns
	}
	return columns
}

// flowsOf expands a block and appends its flows to dst. It keeps nothing of v.
func flowsOf(c *codec, v []byte, dst []learn.Flow) (head, []learn.Flow, error) {
	h, err := headOf(v)
	if err != nil {
		return head{}, nil, err
	}
	end := len(v) - 4
	if got, want := crc32.Checksum(v[:end], castagnoli()), binary.LittleEndian.Uint32(v[end:]); got != want {
		return head{}, nil, fmt.Errorf("check sum %08x, want %08x", got, want)
	}
	body := h.body
	if h.codec == codecZstd {
		if body, err = c.expand(body, h.plain); err != nil {
			return head{}, nil, err
		}
	}
	flows, err := unpack(body, &h, dst)
	return h, flows, err
}

// An unpacker has the columns of one block.
type unpacker struct {
	texts  []string
	addrs  []netip.Addr
	unit   uint64
	cols   [columns]reader
	at     int64 // seconds of the flow before
	who    bool  // some flow has a process
	hashed bool  // some flow has a payload
	known  map[uint64]*learn.Process
	bad    bool
}

func unpack(body []byte, h *head, dst []learn.Flow) ([]learn.Flow, error) {
	u, err := open(body, h.columns)
	if err != nil {
		return nil, err
	}
	for i := range h.count {
		dst = append(dst, learn.Flow{})
		if u.flow(&dst[len(dst)-1]); u.bad {
			return nil, fmt.Errorf("flow %d of the block: %w", i, errShort)
		}
	}
	for i := range u.cols {
		if err := u.cols[i].err(); err != nil {
			return nil, fmt.Errorf("column %d of the block: %w", i, err)
		}
	}
	return dst, nil
}

func open(body []byte, n column) (*unpacker, error) {
	r, u := reader{b: body}, &unpacker{}
	u.texts = make([]string, r.upTo(5*maxFlows))
	for i := range u.texts {
		u.texts[i] = r.text()
	}
	u.addrs = make([]netip.Addr, r.upTo(2*maxFlows))
	for i := range u.addrs {
		u.addrs[i] = r.addr()
	}
	if u.unit = r.uvarint(); u.unit == 0 {
		r.fail()
	}
	for i := range u.cols[:n] {
		u.cols[i].b = r.take(r.uvarint())
	}
	u.who, u.hashed = len(u.cols[colProcess].b) > 0, len(u.cols[colPayload].b) > 0
	if err := r.err(); err != nil {
		return nil, fmt.Errorf("body of a block: %w", err)
	}
	return u, nil
}

// addr reads what appendAddr wrote.
func (r *reader) addr() netip.Addr {
	n := r.byte()
	a, ok := netip.AddrFromSlice(r.take(uint64(n)))
	if !ok && n != 0 {
		r.fail()
	}
	return a
}

func (u *unpacker) flow(f *learn.Flow) {
	u.at += u.cols[colSecond].varint()
	f.Time = u.time()
	f.Agent, f.Name = u.text(colAgent), u.text(colName)
	f.Interface, f.Rule = u.text(colInterface), u.text(colRule)
	f.Src, f.Dst = u.addr(colSrc), u.addr(colDst)
	f.SrcPort, f.DstPort = u.port(colSrcPort), u.port(colDstPort)
	f.Proto = learn.Proto(u.cols[colProto].byte())
	f.Action = learn.Action(u.cols[colAction].byte())
	evidence := u.cols[colEvidence].byte()
	f.Evidence, f.Resolved = learn.Evidence(evidence&^resolvedBit), evidence&resolvedBit != 0
	f.Up, f.Down = u.cols[colUp].uvarint(), u.cols[colDown].uvarint()
	if u.who {
		f.Process = u.process()
	}
	if u.hashed {
		f.Payload = u.payload()
	}
}

func (u *unpacker) time() time.Time {
	n := u.cols[colNanos].uvarint()
	if n >= uint64(time.Second)/u.unit && n > 0 {
		u.bad = true
		return time.Time{}
	}
	return time.Unix(u.at, int64(n*u.unit)).UTC()
}

func (u *unpacker) text(c column) string {
	if i := u.cols[c].uvarint(); i < uint64(len(u.texts)) {
		return u.texts[i]
	}
	u.bad = true
	return ""
}

func (u *unpacker) addr(c column) netip.Addr {
	if i := u.cols[c].uvarint(); i < uint64(len(u.addrs)) {
		return u.addrs[i]
	}
	u.bad = true
	return netip.Addr{}
}

func (u *unpacker) port(c column) uint16 {
	if b := u.cols[c].take(2); len(b) == 2 {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}
