package eve

import (
	"math"
	"time"

	"tripline/learn/source/internal/scan"
)

// understand reads the values that the scanner found.
func (d *Decoder) understand(e *Event) *scan.Error {
	if len(e.Type) == 0 {
		return &scan.Error{Cause: scan.OtherProgram, Field: "event_type"}
	}
	if d.raw.src == nil && d.raw.dst == nil && e.Kind == Other {
		return scan.Fault(scan.OtherProgram, "event_type", e.Type)
	}
	if err := d.ends(e); err != nil {
		return err
	}
	var ok bool
	if e.Time, ok = d.time(d.raw.stamp, e); !ok {
		return scan.Fault(scan.BadTime, "timestamp", d.raw.stamp)
	}
	if d.raw.id != nil {
		if e.ID, e.HasID = scan.Uint(d.raw.id, math.MaxInt64); !e.HasID {
			return scan.Fault(scan.BadNumber, "flow_id", d.raw.id)
		}
	}
	e.Name = d.raw.names[e.Kind]
	if e.Kind == Flow || e.Kind == Netflow {
		return d.volume(e)
	}
	return nil
}

// ends reads where the packets came from and where they went.
func (d *Decoder) ends(e *Event) *scan.Error {
	if d.raw.src == nil || d.raw.dst == nil {
		return &scan.Error{Cause: scan.NoAddresses}
	}
	var ok bool
	if e.Src, ok = scan.Addr(d.raw.src); !ok {
		return scan.Fault(scan.BadAddress, "src_ip", d.raw.src)
	}
	if e.Dst, ok = scan.Addr(d.raw.dst); !ok {
		return scan.Fault(scan.BadAddress, "dest_ip", d.raw.dst)
	}
	if e.SrcPort, ok = scan.Port(d.raw.sport); !ok {
		return scan.Fault(scan.BadNumber, "src_port", d.raw.sport)
	}
	if e.DstPort, ok = scan.Port(d.raw.dport); !ok {
		return scan.Fault(scan.BadNumber, "dest_port", d.raw.dport)
	}
	return nil
}

// time reads "2026-03-28T12:00:00.000000+0000".
func (d *Decoder) time(b []byte, e *Event) (time.Time, bool) {
	t, size, zoned := d.stamp.ISO(b)
	e.Zoneless = e.Zoneless || !zoned
	return t, size > 0 && size == len(b)
}

// volume reads what is known at the end of a flow.
func (d *Decoder) volume(e *Event) *scan.Error {
	if d.raw.start != nil {
		var ok bool
		if e.Start, ok = d.time(d.raw.start, e); !ok {
			return scan.Fault(scan.BadTime, "flow.start", d.raw.start)
		}
	}
	up, field := d.raw.up, "flow.bytes_toserver"
	if e.Kind == Netflow {
		up, field = d.raw.bytes, "netflow.bytes"
	}
	var ok bool
	if e.Up, ok = volume(up); !ok {
		return scan.Fault(scan.BadNumber, field, up)
	}
	if e.Down, ok = volume(d.raw.down); !ok {
		return scan.Fault(scan.BadNumber, "flow.bytes_toclient", d.raw.down)
	}
	e.NoSYN = withoutSYN(d.raw.flags)
	return nil
}

func volume(b []byte) (uint64, bool) {
	if b == nil {
		return 0, true
	}
	return scan.Uint(b, math.MaxInt64)
}

// withoutSYN says whether the flags of all packets of a flow, "1b", are known and
// SYN is not among them.
func withoutSYN(flags []byte) bool {
	const syn = "2367abefABEF" // the second bit is set
	if len(flags) != 2 {
		return false
	}
	for i := range len(syn) {
		if flags[1] == syn[i] {
			return false
		}
	}
	return true
}
