//go:build 386 || amd64 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || riscv64

package bpf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"strings"
)

// Sizes of the structures of observe.c.
const (
	headSize       = 32
	connectionSize = headSize + 8 + 16 + 32 + 4 + 4
	lifecycleSize  = headSize + 8
	pathSize       = 256
	executionSize  = headSize + 8 + pathSize + 1024
)

var errRecord = errors.New("a record of the kernel has another size than its kind")

// decode reads what a program wrote; the programs are only built for machines that
// are little-endian. Offset is from the monotonic clock to 1970.
func decode(b []byte, offset int64, r *Record) error {
	if len(b) < headSize {
		return errRecord
	}
	le := binary.LittleEndian
	*r = Record{
		Time: int64(le.Uint64(b)) + offset, Kind: Kind(le.Uint32(b[8:])), PID: int(le.Uint32(b[12:])),
		UID: int(int32(le.Uint32(b[16:]))), Net: le.Uint32(b[20:]), Cgroup: le.Uint64(b[24:]),
	}
	switch r.Kind {
	case Opened, Established, Closed, Datagram, Towards, Sent:
		return r.connection(b)
	case Forked, Exited:
		if len(b) < lifecycleSize {
			return errRecord
		}
		r.Parent = int(le.Uint32(b[headSize:]))
		return nil
	case Executed:
		return r.execution(b)
	}
	return errRecord
}

func (r *Record) connection(b []byte) error {
	if len(b) < connectionSize {
		return errRecord
	}
	le, b := binary.LittleEndian, b[headSize:]
	r.Cookie, r.Up, r.Down = le.Uint64(b), le.Uint64(b[8:]), le.Uint64(b[16:])
	r.Src, r.Dst = addr(b[24:40]), addr(b[40:56])
	r.SrcPort, r.DstPort, r.Proto = le.Uint16(b[56:]), le.Uint16(b[58:]), b[60]
	return nil
}

// addr is not valid where nothing is known.
func addr(b []byte) netip.Addr {
	a := netip.AddrFrom16([16]byte(b)).Unmap()
	if a.IsUnspecified() {
		return netip.Addr{}
	}
	return a
}

func (r *Record) execution(b []byte) error {
	if len(b) < executionSize {
		return errRecord
	}
	le := binary.LittleEndian
	r.Parent = int(le.Uint32(b[headSize:]))
	n := int(min(le.Uint32(b[headSize+4:]), executionSize-headSize-8-pathSize))
	path, text := b[headSize+8:headSize+8+pathSize], b[headSize+8+pathSize:]
	path, _, _ = bytes.Cut(path, []byte{0})
	r.Path = string(path)
	if args := strings.TrimSuffix(string(text[:n]), "\x00"); n > 0 {
		r.Args = strings.Split(args, "\x00")
	}
	return nil
}
