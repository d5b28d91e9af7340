package netflow

import (
	"encoding/binary"

	goflow "github.com/netsampler/goflow2/v2/decoders/netflow"
)

// variable is the length of a field that says its own (RFC 7011, section 7).
const variable = 0xffff

// A step reads one field, or passes over several that do not matter.
type step struct {
	kind   kind
	length uint16
}

// A plan is how to read the records of one template.
type plan struct {
	steps   []step
	least   int  // bytes of a record; never 0
	options bool // about the exporter
	biflow  bool // both directions in one record
}

// newPlan makes the plan of a template; nil if its records would have no length.
func newPlan(version uint16, scopes, fields []goflow.Field) *plan {
	p := &plan{options: scopes != nil}
	for _, f := range scopes {
		k := skipped // of v9, scopes have numbers of their own
		if version == 10 {
			k = kindOf(version, f)
		}
		p.add(k, f.Length)
	}
	for _, f := range fields {
		p.add(kindOf(version, f), f.Length)
	}
	if p.least == 0 {
		return nil
	}
	return p
}

func (p *plan) add(k kind, length uint16) {
	if k == responderOctets || k == responderPackets {
		p.biflow = true
	}
	if length == variable {
		p.least++
		p.steps = append(p.steps, step{k, length})
		return
	}
	p.least += int(length)
	if last := len(p.steps) - 1; k == skipped && last >= 0 && p.steps[last].kind == skipped &&
		p.steps[last].length != variable && int(p.steps[last].length)+int(length) < variable {
		p.steps[last].length += length
		return
	}
	p.steps = append(p.steps, step{k, length})
}

// read reads a record from b, which has at least p.least bytes, and returns how
// many it took; ok is false where a field is longer than what is there.
func (p *plan) read(b []byte, r *Record) (n int, ok bool) {
	rest := b
	for _, s := range p.steps {
		length := int(s.length)
		if s.length == variable {
			if length, rest, ok = variableLength(rest); !ok {
				return 0, false
			}
		}
		if length > len(rest) {
			return 0, false
		}
		if s.kind != skipped && length > 0 {
			r.set(s.kind, rest[:length])
		}
		rest = rest[length:]
	}
	return len(b) - len(rest), true
}

func variableLength(b []byte) (n int, rest []byte, ok bool) {
	switch {
	case len(b) < 1:
		return 0, nil, false
	case b[0] < 0xff:
		return int(b[0]), b[1:], true
	case len(b) < 3:
		return 0, nil, false
	}
	return int(binary.BigEndian.Uint16(b[1:])), b[3:], true
}

// legacy is the plan of NetFlow v5, whose records are all alike.
func legacy() *plan {
	p := &plan{}
	for _, s := range []step{
		{srcAddr, 4},
		{dstAddr, 4},
		{skipped, 4},
		{input, 2},
		{output, 2},
		{packets, 4},
		{octets, 4},
		{firstSwitched, 4},
		{lastSwitched, 4},
		{srcPort, 2},
		{dstPort, 2},
		{skipped, 1},
		{tcpFlags, 1},
		{protocol, 1},
		{skipped, 9},
	} {
		p.add(s.kind, s.length)
	}
	return p
}
