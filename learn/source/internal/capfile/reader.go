package capfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// MostRecord is the longest record that is believed to be one. The largest
// packets of Linux are 256 KiB; pcapng has blocks that are no packets.
const MostRecord = 16 << 20

const bufferSize = 128 << 10 // that stays in the cache of a processor

// ErrFormat says that the data begins like no capture file.
var ErrFormat = errors.New("not a packet capture")

// A Packet is one packet of a capture.
type Packet struct {
	Time      int64  // nanoseconds since 1970
	Data      []byte // valid until the next call
	Length    uint32 // on the wire; more than len(Data) if it was cut
	Link      uint16 // the LINKTYPE of tcpdump.org
	Interface string // its name, where the capture has one
}

// A DamagedError says where a capture cannot be read on.
type DamagedError struct {
	Packet int64 // number of packets before it
	Offset int64 // bytes before it
	Cause  string
}

// Error returns the place and the cause.
func (e *DamagedError) Error() string {
	return fmt.Sprintf("damaged after %d packets (byte %d): %s", e.Packet, e.Offset, e.Cause)
}

// A Reader reads the packets of one capture. It is not for concurrent use.
type Reader struct {
	in       io.Reader
	buf      []byte
	pos, end int
	base     int64 // of buf[0]
	packets  int64
	dropped  uint64
	kind     kind
	big      bool   // byte order
	nano     uint32 // nanoseconds in a unit of pcap
	extra    int    // bytes in the header of a packet beyond 16
	link     uint16
	faces    []face // of pcapng, in this section
	last     int64  // time of the last packet
}

// A kind is a format of capture files.
type kind uint8

const (
	unknown kind = iota
	pcap
	pcapng
)

// NewReader returns a Reader of in.
func NewReader(in io.Reader) *Reader { return &Reader{in: in, buf: make([]byte, bufferSize)} }

// Next reads the next packet. [io.EOF] means that there is no whole packet
// (more): it may be called again when there is more to read.
func (r *Reader) Next(p *Packet) error {
	if r.kind == unknown {
		if err := r.begin(); err != nil {
			return err
		}
	}
	if r.kind == pcap {
		return r.nextPcap(p)
	}
	return r.nextBlock(p)
}

// Offset is the place behind what was read, in bytes of the capture.
func (r *Reader) Offset() int64 { return r.base + int64(r.pos) }

// Torn is how many bytes of an unfinished record were read.
func (r *Reader) Torn() int64 { return int64(r.end - r.pos) }

// Packets is how many packets were read.
func (r *Reader) Packets() int64 { return r.packets }

// Dropped is how many packets the capture says it lost.
func (r *Reader) Dropped() uint64 { return r.dropped }

// begin reads the magic number.
func (r *Reader) begin() error {
	head, err := r.need(4)
	if err != nil {
		return err
	}
	switch binary.BigEndian.Uint32(head) {
	case 0x0a0d0d0a:
		r.kind = pcapng
		return nil
	case 0xa1b2c3d4:
		return r.beginPcap(true, 1000, 0)
	case 0xd4c3b2a1:
		return r.beginPcap(false, 1000, 0)
	case 0xa1b23c4d:
		return r.beginPcap(true, 1, 0)
	case 0x4d3cb2a1:
		return r.beginPcap(false, 1, 0)
	case 0xa1b2cd34: // a patched libpcap of 1999, seen on phones
		return r.beginPcap(true, 1000, 8)
	case 0x34cdb2a1:
		return r.beginPcap(false, 1000, 8)
	}
	return ErrFormat
}

// need returns the next n bytes, which stay unread.
func (r *Reader) need(n int) ([]byte, error) {
	for r.end-r.pos < n {
		if err := r.fill(n); err != nil {
			return nil, err
		}
	}
	return r.buf[r.pos : r.pos+n], nil
}

// fill reads more, with room for n bytes behind pos.
func (r *Reader) fill(n int) error {
	if len(r.buf)-r.pos < n {
		r.room(n)
	}
	got, err := r.in.Read(r.buf[r.end:])
	r.end += got
	switch {
	case got > 0:
		return nil
	case err == nil:
		return io.EOF
	}
	return err
}

// room moves what is unread to the front, in a larger buffer if need be.
func (r *Reader) room(n int) {
	to := r.buf
	if len(to) < n {
		to = make([]byte, n+bufferSize)
	}
	copy(to, r.buf[r.pos:r.end])
	r.base += int64(r.pos)
	r.buf, r.pos, r.end = to, 0, r.end-r.pos
}

func (r *Reader) uint16(b []byte) uint16 {
	if r.big {
		return binary.BigEndian.Uint16(b)
	}
	return binary.LittleEndian.Uint16(b)
}

func (r *Reader) uint32(b []byte) uint32 {
	if r.big {
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

func (r *Reader) damaged(format string, args ...any) error {
	return &DamagedError{Packet: r.packets, Offset: r.Offset(), Cause: fmt.Sprintf(format, args...)}
}
