package netflow

import goflow "github.com/netsampler/goflow2/v2/decoders/netflow"

// A kind is a field that matters here. Several elements may be of one kind.
type kind uint8

const (
	skipped kind = iota // all the rest
	srcAddr
	dstAddr
	srcPort
	dstPort
	protocol
	octets
	octetsBeyond // counted behind the observation point
	packets
	responderOctets
	responderPackets
	tcpFlags
	reverseFlags
	input
	output
	vlan
	direction
	biflow
	icmpTypeCode
	icmpType
	firstSwitched // milliseconds of uptime
	lastSwitched
	systemInit
	startSeconds
	startMillis
	startMicros
	startNanos
	startDelta
	endSeconds
	endMillis
	endMicros
	endNanos
	endDelta
	eventSeconds
	eventMillis
	eventMicros
	eventNanos
	natSrcAddr
	natDstAddr
	natSrcPort
	natDstPort
	natEvent
	firewallEvent
	forwarding
	httpHost
	samplingRate
	samplingInterval // packets that are taken
	samplingSpace    // packets that are not
	samplingSize
	samplingPopulation
)

// elements are those of IANA's registry ("IPFIX Information Elements"); NetFlow
// v9 has the same numbers below 128, and later exporters the rest.
var elements = map[uint16]kind{
	8: srcAddr, 27: srcAddr, 12: dstAddr, 28: dstAddr,
	7: srcPort, 180: srcPort, 182: srcPort, 11: dstPort, 181: dstPort, 183: dstPort, 4: protocol,
	1: octets, 85: octets, 231: octets, 23: octetsBeyond, 2: packets, 86: packets, 298: packets,
	232: responderOctets, 299: responderPackets, 6: tcpFlags,
	10: input, 14: output, 58: vlan, 61: direction, 239: biflow,
	32: icmpTypeCode, 139: icmpTypeCode, 176: icmpType, 178: icmpType,
	21: lastSwitched, 22: firstSwitched, 160: systemInit,
	150: startSeconds, 152: startMillis, 154: startMicros, 156: startNanos, 158: startDelta,
	151: endSeconds, 153: endMillis, 155: endMicros, 157: endNanos, 159: endDelta,
	322: eventSeconds, 323: eventMillis, 324: eventMicros, 325: eventNanos,
	225: natSrcAddr, 281: natSrcAddr, 226: natDstAddr, 282: natDstAddr, 227: natSrcPort, 228: natDstPort,
	230: natEvent, 233: firewallEvent, 89: forwarding, 460: httpHost,
	34: samplingRate, 50: samplingRate, 305: samplingInterval, 306: samplingSpace, 309: samplingSize, 310: samplingPopulation,
}

// early are elements of v9 that firewalls used before they were registered.
var early = map[uint16]kind{40001: natSrcAddr, 40002: natDstAddr, 40003: natSrcPort, 40004: natDstPort, 40005: firewallEvent}

// reverse are elements of the other direction (RFC 5103).
var reverse = map[uint16]kind{1: responderOctets, 85: responderOctets, 2: responderPackets, 86: responderPackets, 6: reverseFlags}

// reversePEN is the enterprise number that stands for the other direction.
const reversePEN = 29305

func kindOf(version uint16, f goflow.Field) kind {
	switch {
	case f.PenProvided && f.Pen == reversePEN:
		return reverse[f.Type&0x7fff]
	case f.PenProvided:
		return skipped
	case version == 9 && f.Type >= 0x8000:
		return early[f.Type]
	}
	return elements[f.Type]
}
