package netfilter

import (
	"bytes"
	"net/netip"

	"tripline/learn/source/internal/scan"
)

// Which keys of a packet were met: each counts once, as an ICMP error and an
// encapsulation repeat them.
type met uint16

const (
	metSrc met = 1 << iota
	metDst
	metLength
	metProto
	metSrcPort
	metDstPort
	metSeq
	metType
	metIn
	metOut
)

func (m *met) first(key met) bool {
	was := *m&key == 0
	*m |= key
	return was
}

// packet reads "IN=eth0 OUT= SRC=192.0.2.1 ...", in whatever order the values
// come.
func (d *Decoder) packet(b []byte, l *Line) *scan.Error {
	f := scan.Split(b)
	var seen met
	var bits uint8
	for f.More {
		token := f.Next(' ')
		if len(token) == 0 {
			continue
		}
		if token[0] == '[' { // the packet that an ICMP error is about
			break
		}
		key, value, ok := bytes.Cut(token, []byte{'='})
		if !ok {
			bits |= l.word(token)
			continue
		}
		if err := d.value(l, &seen, key, value); err != nil {
			return err
		}
	}
	return d.complete(b, seen, bits, l)
}

// complete checks that there is a packet.
func (d *Decoder) complete(b []byte, seen met, bits uint8, l *Line) *scan.Error {
	if seen&(metSrc|metDst) != metSrc|metDst {
		if seen&^(metIn|metOut) == 0 && !isPacket(b) {
			return scan.Fault(scan.OtherProgram, "", b)
		}
		return scan.Fault(scan.NoAddresses, "", b)
	}
	if seen&metProto == 0 {
		return scan.Fault(scan.CutShort, "PROTO", nil)
	}
	if l.Src.Is4() != l.Dst.Is4() {
		return scan.Fault(scan.BadVersion, "DST", nil)
	}
	l.Incomplete = hasPorts(l.Proto) && !l.Fragment && seen&(metSrcPort|metDstPort) != metSrcPort|metDstPort
	l.Flags = d.letters(bits)
	return nil
}

// isPacket says whether a line without addresses should have some: frames that
// are no IP are logged by the same rules, and there is nothing wrong with them.
func isPacket(b []byte) bool {
	return !bytes.Contains(b, []byte(" ARP ")) && !bytes.Contains(b, []byte(" MAC source = ")) && !bytes.Contains(b, []byte(" MACPROTO="))
}

// word reads what has no value: the flags of TCP, as bits, and what is said of
// fragments.
func (l *Line) word(b []byte) uint8 {
	switch string(b) {
	case "FIN":
		return 1
	case "SYN":
		return 1 << 1
	case "RST":
		return 1 << 2
	case "PSH":
		return 1 << 3
	case "ACK":
		return 1 << 4
	case "URG":
		return 1 << 5
	case "ECE":
		return 1 << 6
	case "CWR":
		return 1 << 7
	}
	if rest, ok := bytes.CutPrefix(b, []byte("FRAG:")); ok {
		n, ok := scan.Uint(rest, 1<<16)
		l.Fragment = !ok || n > 0
	}
	return 0
}

// letters writes the flags of TCP as pf does.
func (d *Decoder) letters(bits uint8) string {
	if bits != 0 && d.flags[bits] == "" {
		var b []byte
		for i := range 8 {
			if bits&(1<<i) != 0 {
				b = append(b, "FSRPAUEW"[i])
			}
		}
		d.flags[bits] = string(b)
	}
	return d.flags[bits]
}

// value reads one key with its value; those that say nothing of interest are
// passed over.
func (d *Decoder) value(l *Line, seen *met, key, b []byte) *scan.Error {
	switch string(key) {
	case "IN":
		return d.iface(seen, metIn, "IN", &d.in, b, &l.In)
	case "OUT":
		return d.iface(seen, metOut, "OUT", &d.out, b, &l.Out)
	case "SRC":
		return address(seen, metSrc, "SRC", b, &l.Src)
	case "DST":
		return address(seen, metDst, "DST", b, &l.Dst)
	case "LEN":
		return number(seen, metLength, "LEN", b, &l.Length)
	case "PROTO":
		return l.proto(seen, b)
	case "SPT":
		return number(seen, metSrcPort, "SPT", b, &l.SrcPort)
	case "DPT":
		return number(seen, metDstPort, "DPT", b, &l.DstPort)
	case "WINDOW":
		l.HasFlags = true
	case "SEQ":
		l.HasSeq = true
		return number(seen, metSeq, "SEQ", b, &l.Seq)
	case "TYPE":
		l.HasType = true
		return number(seen, metType, "TYPE", b, &l.Type)
	}
	return nil
}

func (l *Line) proto(seen *met, b []byte) *scan.Error {
	if !seen.first(metProto) {
		return nil
	}
	n, ok := protocols[string(b)]
	if !ok {
		v, isNumber := scan.Uint(b, 255)
		if !isNumber {
			return scan.Fault(scan.BadText, "PROTO", b)
		}
		n = uint8(v)
	}
	l.Proto = n
	return nil
}

// protocols are the names that the kernel writes; the rest are numbers.
var protocols = map[string]uint8{
	"TCP": 6, "UDP": 17, "UDPLITE": 136, "ICMP": 1, "ICMPv6": 58, "AH": 51, "ESP": 50, "SCTP": 132, "IGMP": 2, "GRE": 47,
}

func hasPorts(proto uint8) bool { return proto == 6 || proto == 17 }

func address(seen *met, key met, name string, b []byte, a *netip.Addr) *scan.Error {
	if !seen.first(key) {
		return nil
	}
	return scan.AddrInto(name, b, a)
}

func number[N uint8 | uint16 | uint32](seen *met, key met, name string, b []byte, n *N) *scan.Error {
	if !seen.first(key) {
		return nil
	}
	return scan.UintInto(name, b, n)
}
