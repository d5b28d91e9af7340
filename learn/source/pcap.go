package source

import (
	"time"

	"tripline/learn"
	"tripline/learn/source/internal/assemble"
	"tripline/learn/source/internal/capfile"
	"tripline/learn/source/internal/packet"
)

// Capture files of tcpdump, Wireshark and firewalls: pcap and pcapng, compressed
// or not, and from a pipe:
//
//	tcpdump -i em1 -w - | tripline flows --from pcap -
var pcapSource = Source{
	Name:   "pcap",
	Short:  "Packet captures: pcap and pcapng files",
	Sees:   Sees{Names: true, Bytes: true, Blind: "names in encrypted hellos; insides of tunnels; what was not captured"},
	Speaks: Speaks{Aside: notIP},
	Open:   openCapture,
}

// Causes of packets that are no part of a flow.
const (
	BadLink   Cause = "a link layer that is not known"
	CutPacket Cause = "too little of the packet was captured"
	BadPacket Cause = "headers that contradict each other"
)

// A sight is what packets of a capture show: it decodes them, makes flows of
// them and judges which ones count. It is what reading files and capturing have
// in common.
type sight struct {
	source  string
	decoder *packet.Decoder
	table   *assemble.Table
	place   place
	raw     capfile.Packet
	packet  packet.Packet
	event   assemble.Event
}

func newSight(source string, o Options) *sight {
	return &sight{
		source:  source,
		decoder: packet.NewDecoder(),
		table:   assemble.NewTable(assemble.Options{Prompt: o.Early}),
		place:   place{local: o.Local, firewall: o.Firewall},
	}
}

// look takes the packet in raw. What is no IP is somebody else's; what cannot be
// read is told.
func (s *sight) look() error {
	switch s.decoder.Decode(s.raw.Link, s.raw.Data, s.raw.Time, &s.packet) {
	case packet.Whole:
		s.table.Add(&s.packet, s.raw.Time, s.raw.Interface)
	case packet.Piece:
		s.table.Advance(s.raw.Time)
	case packet.NotIP:
		return &RecordError{Source: s.source, Cause: OtherProgram}
	case packet.Cut:
		return &RecordError{Source: s.source, Cause: CutPacket}
	case packet.Malformed:
		return &RecordError{Source: s.source, Cause: BadPacket}
	case packet.BadLink:
		return &RecordError{Source: s.source, Cause: BadLink}
	}
	return nil
}

// next takes the next record, if there is one.
func (s *sight) next(r *Record) bool {
	if !s.table.Next(&s.event) {
		return false
	}
	if s.event.Answer != nil {
		*r = answerRecord(&s.event)
	} else {
		s.fill(r, &s.event.Flow)
	}
	return true
}

// answerRecord is about the client that asked: its flow to the resolver has a
// record of its own.
func answerRecord(e *assemble.Event) Record {
	f := &e.Flow
	return Record{
		Flow: learn.Flow{
			Time: e.Answer.Time, Proto: f.Proto, Src: f.Src, Dst: f.Dst, SrcPort: f.SrcPort, DstPort: f.DstPort,
			Interface: f.Interface,
		},
		RuleNumber: -1, Version: ipVersion(f), Answer: e.Answer, Why: Resolution,
	}
}

func ipVersion(f *assemble.Flow) uint8 {
	if f.Dst.Is6() {
		return 6
	}
	return 4
}

func (s *sight) fill(r *Record, f *assemble.Flow) {
	*r = Record{
		Flow: learn.Flow{
			Time: time.Unix(0, f.Start).UTC(), Proto: f.Proto, Src: f.Src, Dst: f.Dst, SrcPort: f.SrcPort, DstPort: f.DstPort,
			Name: f.Name, Evidence: f.Evidence, Interface: f.Interface, Up: f.Up, Down: f.Down,
		},
		RuleNumber: -1, Version: ipVersion(f), Hidden: f.Hidden,
		Why: s.judge(f),
	}
	r.Counted = r.Why == Outbound
}

// judge says why a flow counts, or does not.
func (s *sight) judge(f *assemble.Flow) Why {
	switch {
	case f.Rest:
		return Ended
	case !f.Opens:
		return NotARequest
	}
	if why := s.place.noDestination(f.Dst); why != "" {
		return why
	}
	switch {
	case s.place.isLocal(f.Src):
		return Outbound
	case s.place.isHost(f.Dst):
		return Inbound
	}
	return Passing
}
