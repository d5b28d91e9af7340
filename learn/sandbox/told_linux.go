package sandbox

import (
	"encoding/binary"
	"encoding/json"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"tripline/learn"
)

// What is seen of a call is told before the call goes on, so that it is here before
// its first packet: a connection that begins needs to ask nobody. A message is the
// inode of the socket and a number for the process, in the order of bytes of this
// machine, the address that it speaks to, and what the process is as JSON where that was
// not told before. What comes back is inodes of sockets that need not be kept open any
// more.
const (
	tellInode   = 0
	tellProcess = 4
	tellAddress = 12
	tellPort    = 28
	tellHead    = 30
	mostTold    = 32 << 10
)

// A teller tells, in the process that looks. It never waits: who was not told, asks.
type teller struct {
	fd  int
	ids map[*learn.Process]uint64
	n   uint64
}

// tell tells whose a socket is, and whom it speaks to.
func (t *teller) tell(inode uint32, to netip.AddrPort, p *learn.Process) {
	if p == nil {
		return
	}
	m := binary.NativeEndian.AppendUint32(nil, inode)
	id, known := t.ids[p]
	if !known {
		t.n++
		id = t.n
	}
	m = binary.NativeEndian.AppendUint64(m, id)
	at := to.Addr().As16()
	m = binary.NativeEndian.AppendUint16(append(m, at[:]...), to.Port())
	if !known {
		text, err := json.Marshal(p)
		if err != nil {
			return
		}
		m = append(m, text...)
	}
	const most = 1024
	if len(m) > mostTold || len(t.ids) >= most || unix.Sendto(t.fd, m, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, nil) != nil {
		clear(t.ids) // so that all is told again
		return
	}
	t.ids[p] = id
}

// released hands on the sockets that need not be kept, until the other end is gone.
func (t *teller) released(f func(inode uint32)) {
	var buf [4]byte
	for {
		n, _, err := unix.Recvfrom(t.fd, buf[:], 0)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil || n != len(buf):
			return
		}
		f(binary.NativeEndian.Uint32(buf[:]))
	}
}

// A listener is the other end.
type listener struct {
	fd int

	mu        sync.Mutex
	buf       [mostTold]byte
	processes map[uint64]*learn.Process
	sockets   map[uint32]*learn.Process
	speakers  map[netip.AddrPort]speaker
}

// A speaker is who began to speak to an address, nil if several did at about once.
type speaker struct {
	process *learn.Process
	at      time.Time
}

func newListener(fd int) listener {
	return listener{fd: fd, processes: map[uint64]*learn.Process{}, sockets: map[uint32]*learn.Process{}, speakers: map[netip.AddrPort]speaker{}}
}

// by returns the process that has just begun to speak to an address: a socket that speaks
// to many, and is gone, is found by none of its own.
func (l *listener) by(to netip.AddrPort) *learn.Process {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hear()
	if s := l.speakers[to]; time.Since(s.at) < claimFor {
		return s.process
	}
	return nil
}

// of returns the process of a socket, nil if that was not told, and lets the socket go.
func (l *listener) of(inode uint32) *learn.Process {
	l.mu.Lock()
	l.hear()
	p := l.sockets[inode]
	l.mu.Unlock()
	if p != nil {
		unix.Sendto(l.fd, binary.NativeEndian.AppendUint32(nil, inode), unix.MSG_NOSIGNAL, nil) //nolint:errcheck // it may be gone
	}
	return p
}

// hear takes all that was told.
func (l *listener) hear() {
	for {
		n, _, err := unix.Recvfrom(l.fd, l.buf[:], unix.MSG_DONTWAIT)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil || n < tellHead:
			return
		}
		m := l.buf[:n]
		inode, id := binary.NativeEndian.Uint32(m[tellInode:]), binary.NativeEndian.Uint64(m[tellProcess:])
		if n > tellHead {
			p := new(learn.Process)
			if json.Unmarshal(m[tellHead:], p) != nil {
				continue
			}
			l.remember(id, p)
		}
		if p := l.processes[id]; p != nil {
			l.sockets[inode] = p
			at := netip.AddrFrom16([16]byte(m[tellAddress:tellPort])).Unmap()
			l.speaks(netip.AddrPortFrom(at, binary.NativeEndian.Uint16(m[tellPort:])), p)
		}
	}
}

func (l *listener) speaks(to netip.AddrPort, p *learn.Process) {
	now := time.Now()
	if old, known := l.speakers[to]; known && !same(old.process, p) && now.Sub(old.at) < claimFor {
		p = nil
	}
	if len(l.speakers) >= mostSpeakers {
		clear(l.speakers)
	}
	l.speakers[to] = speaker{p, now}
}

// same says whether both are descriptions of one process.
func same(a, b *learn.Process) bool { return a != nil && a.PID == b.PID && a.Exe == b.Exe }

// mostSpeakers is of how many addresses it is known who spoke to them.
const mostSpeakers = 1 << 14

// remember notes a process. What is forgotten is asked for.
func (l *listener) remember(id uint64, p *learn.Process) {
	const mostProcesses, mostSockets = 1 << 12, 1 << 14
	if len(l.processes) >= mostProcesses {
		clear(l.processes)
	}
	if len(l.sockets) >= mostSockets {
		clear(l.sockets)
	}
	l.processes[id] = p
}
