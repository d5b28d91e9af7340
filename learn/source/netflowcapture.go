package source

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"tripline/learn"
	"tripline/learn/source/internal/capfile"
	"tripline/learn/source/internal/netflow"
	"tripline/learn/source/internal/packet"
	"tripline/learn/source/internal/scan"
)

// A netflowCapture is datagrams in a capture of what exporters sent.
type netflowCapture struct {
	*netflowFile
	reader  *capfile.Reader
	decoder *packet.Decoder
	raw     capfile.Packet
	packet  packet.Packet
}

func newNetflowCapture(f *netflowFile) *netflowCapture {
	return &netflowCapture{netflowFile: f, reader: capfile.NewReader(f.in), decoder: packet.NewDecoder()}
}

// isCapture says whether a file begins like a capture.
func isCapture(head []byte) bool {
	if len(head) < 4 {
		return false
	}
	switch binary.BigEndian.Uint32(head) {
	case 0x0a0d0d0a, 0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1, 0xa1b2cd34, 0x34cdb2a1:
		return true
	}
	return false
}

// next implements [netflowInput].
func (c *netflowCapture) next() (netflow.Datagram, error) {
	for {
		err := c.reader.Next(&c.raw)
		switch {
		case errors.Is(err, io.EOF):
			return netflow.Datagram{}, io.EOF
		case errors.As(err, new(*capfile.DamagedError)):
			return netflow.Datagram{}, fmt.Errorf("read %s: %w", c.name(), err)
		case err != nil:
			return netflow.Datagram{}, err
		}
		switch c.decoder.Decode(c.raw.Link, c.raw.Data, c.raw.Time, &c.packet) {
		case packet.Piece:
			continue
		case packet.Whole:
			return c.datagram()
		case packet.Cut:
			return netflow.Datagram{}, scan.Fault(CutPacket, "", nil)
		case packet.Malformed:
			return netflow.Datagram{}, scan.Fault(BadPacket, "", nil)
		case packet.BadLink:
			return netflow.Datagram{}, scan.Fault(BadLink, "", nil)
		default:
			return netflow.Datagram{}, scan.Fault(OtherProgram, "", nil)
		}
	}
}

// datagram is what a packet holds, if it is for a collector. Captures hold other
// packets too; what goes to a port of collectors and cannot be read is told.
func (c *netflowCapture) datagram() (netflow.Datagram, error) {
	p := &c.packet
	if p.Proto != uint8(learn.UDP) || !netflow.Begins(p.Payload) || !collects(p.DstPort) && !netflow.Complete(p.Payload) {
		return netflow.Datagram{}, scan.Fault(OtherProgram, "", nil)
	}
	return netflow.Datagram{Exporter: p.Src.Addr(), Received: time.Unix(0, c.raw.Time), Data: p.Payload}, nil
}

// collects says whether collectors listen at a port by custom; 4739 is IANA's.
func collects(port uint16) bool {
	switch port {
	case 2055, 2056, 4432, 4739, 9555, 9995, 9996:
		return true
	}
	return false
}

func (c *netflowCapture) number() int { return int(c.reader.Packets()) }

func (c *netflowCapture) stats(s *Stats) {
	s.Bytes = c.reader.Offset()
	s.Dropped = int64(c.reader.Dropped() + c.decoder.Dropped())
	s.Torn = c.reader.Torn()
}
