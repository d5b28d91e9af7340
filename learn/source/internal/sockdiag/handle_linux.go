package sockdiag

import (
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// A Handle is an open connection to the kernel. It is not for concurrent use.
type Handle struct {
	conn   *netlink.Conn
	owners map[uint32]int // inode to process
	nobody map[uint32]bool
}

// Open makes ready to ask.
func Open() (*Handle, error) {
	conn, err := netlink.Dial(unix.NETLINK_INET_DIAG, nil)
	if err != nil {
		return nil, err
	}
	return &Handle{conn: conn}, nil
}

// Sizes of inet_diag_req_v2 and inet_diag_msg, and what stands for any cookie.
const (
	requestSize = 56
	messageSize = 72
	byFamily    = 20 // SOCK_DIAG_BY_FAMILY
	anyState    = 0xffffffff
	synSent     = 1 << 2
)

// request writes what is asked for: inet_diag_req_v2 of linux/inet_diag.h.
func request(family uint8, t Tuple, states uint32) []byte {
	b := make([]byte, requestSize)
	b[0], b[1] = family, t.Proto
	binary.NativeEndian.PutUint32(b[4:], states)
	binary.BigEndian.PutUint16(b[8:], t.SrcPort)
	binary.BigEndian.PutUint16(b[10:], t.DstPort)
	copy(b[12:28], t.Src.AsSlice())
	copy(b[28:44], t.Dst.AsSlice())
	for i := 48; i < requestSize; i++ {
		b[i] = 0xff // any cookie
	}
	return b
}

// socketOf reads an inet_diag_msg.
func socketOf(b []byte, proto uint8) (s Socket, ok bool) {
	if len(b) < messageSize {
		return s, false
	}
	size := 16
	if b[0] == unix.AF_INET {
		size = 4
	}
	src, ok1 := netip.AddrFromSlice(b[8 : 8+size])
	dst, ok2 := netip.AddrFromSlice(b[24 : 24+size])
	s = Socket{
		Tuple: Tuple{proto, src.Unmap(), dst.Unmap(), binary.BigEndian.Uint16(b[4:]), binary.BigEndian.Uint16(b[6:])},
		UID:   int(binary.NativeEndian.Uint32(b[64:])), Inode: binary.NativeEndian.Uint32(b[68:]),
		Cookie: uint64(binary.NativeEndian.Uint32(b[44:])) | uint64(binary.NativeEndian.Uint32(b[48:]))<<32,
	}
	return s, ok1 && ok2
}

// Find returns the socket of a connection.
func (h *Handle) Find(t Tuple) (Socket, bool) {
	ask := t
	if t.Proto == unix.IPPROTO_UDP { // the kernel has its ends the other way round here
		ask.Src, ask.Dst, ask.SrcPort, ask.DstPort = t.Dst, t.Src, t.DstPort, t.SrcPort
	}
	family := uint8(unix.AF_INET6)
	if t.Dst.Is4() {
		family = unix.AF_INET
	}
	for _, s := range h.ask(request(family, ask, anyState), t.Proto, netlink.Request) {
		if s.SrcPort == t.SrcPort && s.Inode != 0 {
			return s, true
		}
	}
	return Socket{}, false
}

// Opening returns the TCP sockets whose first packet was not answered yet, by their
// cookies.
func (h *Handle) Opening() map[uint64]Socket {
	all := map[uint64]Socket{}
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		r := request(family, Tuple{Proto: unix.IPPROTO_TCP}, synSent)
		for _, s := range h.ask(r, unix.IPPROTO_TCP, netlink.Request|netlink.Dump) {
			all[s.Cookie] = s
		}
	}
	return all
}

func (h *Handle) ask(r []byte, proto uint8, flags netlink.HeaderFlags) (list []Socket) {
	answers, err := h.conn.Execute(netlink.Message{Header: netlink.Header{Type: byFamily, Flags: flags}, Data: r})
	if err != nil {
		return nil // there is no such socket, or we may not know
	}
	for _, a := range answers {
		if s, ok := socketOf(a.Data, proto); ok {
			list = append(list, s)
		}
	}
	return list
}

// mostNobody bounds what is remembered of sockets that no process that we may look
// at has open.
const mostNobody = 1 << 12

// Owner returns the process that has the socket of an inode open.
func (h *Handle) Owner(inode uint32) (pid int, ok bool) {
	if pid, ok = h.owners[inode]; ok && has(pid, inode) {
		return pid, true
	}
	if h.nobody[inode] {
		return 0, false
	}
	h.owners = owners()
	if pid, ok = h.owners[inode]; ok {
		return pid, true
	}
	if len(h.nobody) >= mostNobody || h.nobody == nil {
		h.nobody = map[uint32]bool{}
	}
	h.nobody[inode] = true
	return 0, false
}

// has says whether a process still has a socket open.
func has(pid int, inode uint32) bool {
	for n := range sockets(pid) {
		if n == inode {
			return true
		}
	}
	return false
}

func owners() map[uint32]int {
	all := map[uint32]int{}
	dir, err := os.ReadDir("/proc")
	if err != nil {
		return all
	}
	for _, d := range dir {
		pid, err := strconv.Atoi(d.Name())
		if err != nil {
			continue
		}
		for inode := range sockets(pid) {
			all[inode] = pid
		}
	}
	return all
}

// sockets yields the inodes of the sockets that a process has open.
func sockets(pid int) func(yield func(uint32) bool) {
	return func(yield func(uint32) bool) {
		dir := filepath.Join("/proc", strconv.Itoa(pid), "fd")
		list, err := os.ReadDir(dir)
		if err != nil {
			return
		}
		for _, d := range list {
			to, _ := os.Readlink(filepath.Join(dir, d.Name()))
			text, ok := strings.CutPrefix(to, "socket:[")
			n, err := strconv.ParseUint(strings.TrimSuffix(text, "]"), 10, 32)
			if ok && err == nil && !yield(uint32(n)) {
				return
			}
		}
	}
}

// Close ends asking.
func (h *Handle) Close() error { return h.conn.Close() }
