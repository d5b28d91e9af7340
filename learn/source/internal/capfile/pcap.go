package capfile

// The header of a pcap file and of its packets, as
// draft-ietf-opsawg-pcap describes them:
//
//	magic 4, version 2+2, unused 8, snap length 4, link type 4
//	seconds 4, micro- or nanoseconds 4, captured length 4, length on the wire 4
const (
	fileHeader   = 24
	packetHeader = 16
)

func (r *Reader) beginPcap(big bool, nano uint32, extra int) error {
	head, err := r.need(fileHeader)
	if err != nil {
		return err
	}
	r.kind, r.big, r.nano, r.extra = pcap, big, nano, extra
	r.link = r.linkOf(r.uint32(head[20:]))
	r.pos += fileHeader
	return nil
}

// linkOf drops the bits above the link type: the length of a checksum.
func (r *Reader) linkOf(field uint32) uint16 { return uint16(field) }

func (r *Reader) nextPcap(p *Packet) error {
	header := packetHeader + r.extra
	head, err := r.need(header)
	if err != nil {
		return err
	}
	length := r.uint32(head[8:])
	if length > MostRecord {
		return r.damaged("a packet of %d bytes", length)
	}
	whole, err := r.need(header + int(length))
	if err != nil {
		return err
	}
	p.Time = int64(r.uint32(whole))*1e9 + int64(r.uint32(whole[4:]))*int64(r.nano)
	p.Length = r.uint32(whole[12:])
	p.Data, p.Link, p.Interface = whole[header:], r.link, ""
	r.pos += len(whole)
	r.packets++
	return nil
}
