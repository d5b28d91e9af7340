package sandbox

import (
	"net/netip"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"tripline/learn"
)

// A socket that spoke to many is gone before the first packet is here: whose each was is
// known, but where two processes spoke to one address.
func TestSocketThatSpokeToManyIsSomebodys(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(pair[:])
	tell, hear := teller{fd: pair[0], ids: map[*learn.Process]uint64{}}, newListener(pair[1])
	a, b, c := netip.MustParseAddrPort("203.0.113.5:1"), netip.MustParseAddrPort("203.0.113.5:2"), netip.MustParseAddrPort("[2001:db8::5]:1")
	one, again, two := &learn.Process{PID: 1, Exe: "/one"}, &learn.Process{PID: 1, Exe: "/one"}, &learn.Process{PID: 2, Exe: "/two"}
	for _, s := range []struct {
		to netip.AddrPort
		p  *learn.Process
	}{{a, one}, {b, one}, {c, one}, {a, again}, {b, two}} {
		tell.tell(7, s.to, s.p)
	}
	if p := hear.by(a); p == nil || p.PID != 1 {
		t.Errorf("%s: got %+v", a, p)
	}
	if p := hear.by(c); p == nil || p.PID != 1 {
		t.Errorf("%s: got %+v", c, p)
	}
	if p := hear.by(b); p != nil {
		t.Errorf("%s, of two: got %+v", b, p)
	}
}

func TestEndedProcessThatSpokeToManyIsKnown(t *testing.T) {
	tool(t, "python3")
	eachUser(t, func(t *testing.T, u user) {
		_, out := u.run(t, trial{Refuse: true}, "python3", "-c", `
import os, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for port in range(1000, 1200): s.sendto(b"x", ("203.0.113.5", port))
os._exit(0)`)
		if len(out.Flows) != 200 || out.Result.Unknown > 0 {
			t.Errorf("%d flows, of %d the process is not known; want 200 and 0", len(out.Flows), out.Result.Unknown)
		}
	})
}

// Sockets that are used and send nothing are not kept by the thousand: nobody else would
// be known any more.
func TestSocketsThatSendNothingAreNotAllKept(t *testing.T) {
	w := newWitness(-1, nil, new(atomic.Uint64))
	w.most = 10
	before := descriptors(t)
	for i := range uint32(100) {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		w.claim(i, &claim{process: &learn.Process{PID: int(i)}, to: netip.MustParseAddrPort("203.0.113.5:9"), fd: fd})
	}
	if n := descriptors(t) - before; n != w.most {
		t.Errorf("%d are kept, want %d", n, w.most)
	}
	for i, want := range map[uint32]int{1: 1, 99: 99} { // whose each was is known all the same
		if p := w.of(i); p == nil || p.PID != want {
			t.Errorf("socket %d: got %+v", i, p)
		}
	}
}
