package dnstap

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"time"
)

// A Message is what a resolver received or sent. Its bytes are those of the
// frame.
type Message struct {
	Type     uint64
	TCP      bool       // or a transport on top of it
	Client   netip.Addr // who asked, unmapped; invalid if unknown
	Resolver netip.Addr // who was asked
	Port     uint16     // of Client
	Asked    time.Time  // when the question came, zero if unknown
	Answered time.Time
	Response []byte // as it was on the wire
}

// ClientResponse is the type of what a resolver sent to a client.
const ClientResponse = 6

// ErrPayload is returned by [Decode] for what is no dnstap.
var ErrPayload = errors.New("no dnstap payload")

// Numbers of fields, in dnstap.proto.
const (
	payloadMessage = 14

	messageType       = 1
	messageProtocol   = 3
	messageClient     = 4
	messageResolver   = 5
	messageClientPort = 6
	messageAskedSec   = 8
	messageAskedNsec  = 9
	messageAnswerSec  = 12
	messageAnswerNsec = 13
	messageResponse   = 14
	protocolUDP       = 1
	protocolDoQ       = 7
	protocolDNSCrypt  = 5
)

// Decode reads one frame.
func Decode(frame []byte) (Message, error) {
	var inner []byte
	err := fields(frame, func(number, _ uint64, b []byte) {
		if number == payloadMessage && b != nil {
			inner = b
		}
	})
	if err != nil || inner == nil {
		return Message{}, ErrPayload
	}
	var m Message
	var at [4]uint64
	err = fields(inner, func(number, n uint64, b []byte) { m.set(number, n, b, &at) })
	if err != nil {
		return Message{}, ErrPayload
	}
	m.Asked, m.Answered = moment(at[0], at[1]), moment(at[2], at[3])
	return m, nil
}

// set takes one field. The parts of times are gathered in at.
func (m *Message) set(number, n uint64, b []byte, at *[4]uint64) {
	switch number {
	case messageType:
		m.Type = n
	case messageProtocol:
		m.TCP = n != protocolUDP && n != protocolDNSCrypt && n != protocolDoQ
	case messageClient:
		m.Client = address(b)
	case messageResolver:
		m.Resolver = address(b)
	case messageClientPort:
		m.Port = uint16(n)
	case messageAskedSec:
		at[0] = n
	case messageAskedNsec:
		at[1] = n
	case messageAnswerSec:
		at[2] = n
	case messageAnswerNsec:
		at[3] = n
	case messageResponse:
		m.Response = b
	}
}

func address(b []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(b)
	return a.Unmap()
}

// moment is zero for what no clock shows: before 1970, and after the year 9999.
func moment(seconds, nanos uint64) time.Time {
	if seconds == 0 || seconds > 253402300799 || nanos > 999_999_999 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), int64(nanos)).UTC()
}

// fields calls each with the fields of a Protocol Buffers message: numbers have
// n, the rest b, which is not nil.
func fields(b []byte, each func(number, n uint64, b []byte)) error {
	for len(b) > 0 {
		key, k := binary.Uvarint(b)
		if k <= 0 || key>>3 == 0 {
			return ErrPayload
		}
		b = b[k:]
		var n uint64
		switch key & 7 {
		case 0:
			if n, k = binary.Uvarint(b); k <= 0 {
				return ErrPayload
			}
			each(key>>3, n, nil)
		case 1:
			if k = 8; len(b) < k {
				return ErrPayload
			}
			each(key>>3, binary.LittleEndian.Uint64(b), nil)
		case 2:
			size, at := binary.Uvarint(b)
			if at <= 0 || size > uint64(len(b)-at) {
				return ErrPayload
			}
			k = at + int(size)
			each(key>>3, 0, b[at:k:k])
		case 5:
			if k = 4; len(b) < k {
				return ErrPayload
			}
			each(key>>3, uint64(binary.LittleEndian.Uint32(b)), nil)
		default:
			return ErrPayload
		}
		b = b[k:]
	}
	return nil
}
