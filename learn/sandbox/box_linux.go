package sandbox

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"tripline/learn"
	"tripline/learn/internal/dissect"
	"tripline/learn/sandbox/internal/bodies"
)

// A box is the outer side of a sandbox: what answers the link.
type box struct {
	o       *Options
	ctx     context.Context // of everything that is forwarded
	stack   *stack.Stack
	names   *names
	owner   owner
	way     way
	sockets *sockets
	hosts   map[uint16]bool // ports of this host that may be reached

	patience time.Duration // with who says first in pieces, the usual one if 0

	live    sync.WaitGroup // what is being forwarded
	mu      sync.Mutex
	over    bool          // nothing begins any more
	carried atomic.Int64  // connections
	sending atomic.Int64  // connections of which the command's half is open, and datagrams on their way
	link    int           // its descriptor
	moved   atomic.Uint64 // bytes that were sent outside
	lasting lasting
	udp     exchanges
	ping    echoes

	lookingUp atomic.Int64 // questions that are being answered
	gateway   atomic.Int64 // connections for questions

	flows, refused, failed, host, unknown, spoofed, strange, crowded atomic.Uint64
	unpinged, nameless                                               sync.Once
}

// An owner says whose connection it is that begins, and which socket's; nil and
// 0 if nobody can be found.
type owner interface {
	of(proto learn.Proto, from, to netip.AddrPort) (*learn.Process, uint32)
	socket(proto learn.Proto, from, to netip.AddrPort) uint32
	// moment counts the times that a socket began to speak to some address, and spoken is
	// when one last did to this. It asks; moment costs nothing.
	moment() uint64
	spoken(to netip.AddrPort) uint64
}

// nobody is the owner of everything where there is no network inside, or no child.
type nobody struct{}

func (nobody) of(learn.Proto, netip.AddrPort, netip.AddrPort) (*learn.Process, uint32) { return nil, 0 }
func (nobody) socket(learn.Proto, netip.AddrPort, netip.AddrPort) uint32               { return 0 }
func (nobody) moment() uint64                                                          { return 0 }
func (nobody) spoken(netip.AddrPort) uint64                                            { return 0 }

// A talk is one connection or exchange while it lasts.
type talk struct {
	b        *box
	number   uint64
	flow     learn.Flow
	to       []netip.AddrPort  // where it may go, in the order of trying
	resolved bool              // the name is one that we told
	socket   uint32            // its inode inside, 0 if that is not known
	hello    *dissect.QUIC     // that is not all there yet
	requests *dissect.Requests // that are looked for, nil if what is said is no HTTP/1
	barred   bool              // one of them was not admitted
	named    bool              // it said a name itself
	up, down atomic.Uint64
	tap      atomic.Pointer[bodies.Tap] // nil if no bodies are hashed
}

// begin finds out what is known of a connection before anything of it leaves.
func (b *box) begin(proto learn.Proto, from, to netip.AddrPort) *talk {
	p, socket := b.owner.of(proto, from, to)
	t := b.beginOf(p, proto, from, to)
	t.socket = socket
	return t
}

// beginOf does where it is known whose the connection is.
func (b *box) beginOf(p *learn.Process, proto learn.Proto, from, to netip.AddrPort) *talk {
	t := &talk{b: b, number: b.lasting.last.Add(1)}
	t.flow = learn.Flow{
		Time: time.Now().UTC(), Proto: proto, Src: from.Addr().Unmap(), SrcPort: from.Port(),
		Dst: to.Addr().Unmap(), DstPort: to.Port(), Interface: b.o.Label,
	}
	t.flow.Process = p
	if t.flow.Process == nil && proto.HasPorts() {
		b.unknown.Add(1)
	}
	addrs := []netip.Addr{t.flow.Dst}
	if name, places, ok := b.names.behind(b.ctx, t.flow.Dst); ok {
		t.flow.Name, t.flow.Evidence, t.flow.Resolved = name, learn.DNS, true
		t.resolved, addrs = true, places
	} else {
		b.names.name(&t.flow)
	}
	if t.flow.Name == "" {
		b.names.asked.connected(reverse(t.flow.Dst))
	}
	b.names.asked.connected(t.flow.Name)
	for _, a := range addrs {
		t.to = append(t.to, netip.AddrPortFrom(a, to.Port()))
	}
	return t
}

// choose decides for each address in turn, and keeps those that are admitted.
// Where none is, the flow says that it was refused, for the first of them.
func (t *talk) choose() bool {
	var admitted []netip.AddrPort
	for _, to := range t.to {
		f := t.flow
		f.Dst = to.Addr()
		if !toAll(f.Dst) && (t.resolved || !ours(f.Dst)) && t.b.admit(&f) {
			admitted = append(admitted, to)
		}
	}
	if len(t.to) > 0 {
		t.flow.Dst = t.to[0].Addr()
	}
	if t.to = admitted; len(admitted) == 0 {
		t.flow.Action = learn.Refused
		return false
	}
	t.flow.Dst = admitted[0].Addr()
	return true
}

// admit asks whether a flow may leave. This host is no place outside.
func (b *box) admit(f *learn.Flow) bool {
	if b.way.local(f.Dst) && !(f.Proto == learn.TCP && b.hosts[f.DstPort]) {
		return false
	}
	return b.o.Decide != nil && b.o.Decide(f) == Admit
}

// refuse tells of a talk that was not let out.
func (t *talk) refuse() {
	t.flow.Action = learn.Refused
	t.b.refused.Add(1)
	t.end()
}

// end tells of a talk.
func (t *talk) end() {
	t.flow.Up, t.flow.Down, t.flow.Rule = t.up.Load(), t.down.Load(), around(&t.flow)
	if tap := t.tap.Load(); tap != nil {
		t.flow.Payload = tap.End()
	}
	t.b.flows.Add(1)
	t.ends()
	if t.b.o.Flow != nil {
		t.b.o.Flow(&Told{Flow: t.flow, Number: t.number})
	}
}

// around says by which way a flow went around the names that are told here: that
// is what an allowlist of names cannot speak of.
func around(f *learn.Flow) string {
	switch {
	case !f.Proto.HasPorts():
		return ""
	case f.DstPort == 53:
		return learn.OtherResolver
	case learn.EncryptedDNS(f):
		return learn.HiddenDNS
	case f.Name == "":
		return learn.NoName
	}
	return ""
}

// enter notes that something is being forwarded, until live is told that it is done. It is
// false when all is over: nobody waits for it then, and nobody may be told of it.
func (b *box) enter() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		b.crowded.Add(1)
		return false
	}
	b.live.Add(1)
	return true
}

// end waits for what is being forwarded, and lets nothing begin any more.
func (b *box) end() {
	b.mu.Lock()
	b.over = true
	b.mu.Unlock()
	b.live.Wait()
}

// drain waits until what the command sent has reached the outside, as long as
// there is progress: nobody inside is left to send more.
func (b *box) drain() {
	const look, calm = 2 * time.Millisecond, 10 // what was read is queued before it is looked at
	moved, since := b.moved.Load()+b.flows.Load(), time.Now()
	for quiet := 0; quiet < calm && time.Since(since) < drained; quiet++ {
		time.Sleep(look)
		if b.sending.Load() > 0 || readable(b.link) {
			quiet = 0
		}
		if now := b.moved.Load() + b.flows.Load(); now != moved {
			moved, since = now, time.Now()
		}
	}
}

// readable says whether packets wait to be read.
func readable(fd int) bool {
	poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(poll, 1)
	return err == nil && n > 0 && poll[0].Revents&unix.POLLIN != 0
}

// drained is how long nothing may move before it is given up.
const drained = 5 * time.Second
