package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"tripline/learn"
	"tripline/learn/source/internal/live"
)

const captureName = "capture"

// notIP is what neither makes a connection nor is unreadable.
var notIP = [2]string{"packet without IP", "packets without IP"}

// Packets of an interface as they pass, or of all interfaces: "any". It needs
// the right to capture (Linux: CAP_NET_RAW; FreeBSD: /dev/bpf), and gives up all
// it has beyond its user once the interface is open.
var captureSource = Source{
	Name:   captureName,
	Short:  "Live packets of a network interface",
	Sees:   Sees{Names: true, Bytes: true, Blind: "names in encrypted hellos; insides of tunnels; what the kernel had to drop, which is counted"},
	Speaks: Speaks{Aside: notIP},
	Open:   openLive,
}

// A liveStream reads flows as they happen. A flow is delivered when its name is
// known, or after a second; its bytes are those up to then, the rest follows as
// [Ended].
type liveStream struct {
	*sight
	name    string
	handle  *live.Handle
	packets int64
	bytes   int64
	err     error
	idle    bool // there was no packet when it was last looked
}

// openLive begins to capture. There is no cursor: what happens now happens once.
func openLive(path string, _ []byte, o StreamOptions) (Stream, error) {
	own, err := ownAddresses(path)
	if err != nil {
		return nil, err
	}
	if !o.Follow {
		return nil, learn.WithHint(fmt.Errorf("capture on %s: what passes there has no end", path), `"tripline learn" and "tripline enforce" capture with --follow`)
	}
	o.Local = append(own, o.Local...)
	o.Early = true
	h, err := live.Open(path, o.rights)
	if err != nil {
		return nil, liveError(path, err)
	}
	return &liveStream{sight: newSight("capture", o.Options), name: path, handle: h}, nil
}

// anyInterface is all of them.
const anyInterface = "any"

// isInterface says whether a path names an interface of this machine.
func isInterface(path string) bool {
	if path == anyInterface {
		return true
	}
	_, err := net.InterfaceByName(path)
	return err == nil
}

// ownAddresses returns the addresses of the interface: what they begin is
// outbound, whether they are private or not.
func ownAddresses(name string) (list []netip.Prefix, err error) {
	var addrs []net.Addr
	if name == anyInterface {
		addrs, err = net.InterfaceAddrs()
	} else {
		var i *net.Interface
		if i, err = net.InterfaceByName(name); err != nil {
			return nil, learn.WithHint(fmt.Errorf("capture on %s: there is no interface of that name", name), "interfaces here: %s, or any", interfaces())
		}
		addrs, err = i.Addrs()
	}
	if err != nil {
		return nil, fmt.Errorf("capture on %s: its addresses: %w", name, err)
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			own := p.Addr().Unmap().WithZone("")
			list = append(list, netip.PrefixFrom(own, own.BitLen()))
		}
	}
	return list, nil
}

func interfaces() (list string) {
	all, _ := net.Interfaces()
	for _, i := range all {
		if list != "" {
			list += ", "
		}
		list += i.Name
	}
	return list
}

func liveError(name string, err error) error {
	wrapped := fmt.Errorf("capture on %s: %w", name, err)
	if errors.Is(err, live.ErrRight) {
		return learn.WithHint(wrapped, live.RightHint)
	}
	return wrapped
}

// most packets that are looked at before who reads may do something else.
const mostAtOnce = 4096

// Next implements [Stream].
func (s *liveStream) Next(r *Record) error {
	for range mostAtOnce {
		if s.sight.next(r) {
			return nil
		}
		if s.err != nil {
			return s.err
		}
		ok, err := s.handle.Next(&s.raw)
		if err != nil {
			s.table.Settle()
			s.err = liveError(s.name, err)
			continue
		}
		if s.idle = !ok; s.idle {
			s.table.Advance(time.Now().UnixNano())
			if s.sight.next(r) {
				return nil
			}
			return io.EOF
		}
		s.packets++
		s.bytes += int64(len(s.raw.Data))
		if err := s.look(); err != nil {
			return s.told(err)
		}
	}
	return io.EOF
}

func (s *liveStream) told(err error) error {
	if bad, ok := errors.AsType[*RecordError](err); ok {
		bad.Line = int(s.packets)
	}
	return err
}

// Wait implements [Stream].
func (s *liveStream) Wait(ctx context.Context, d time.Duration) error {
	if !s.idle {
		return ctx.Err()
	}
	for end := time.Now().Add(d); ctx.Err() == nil; {
		left := time.Until(end)
		if left <= 0 || s.handle.Wait(min(left, poll)) {
			break
		}
	}
	return ctx.Err()
}

// Cursor implements [Stream]: there is none.
func (s *liveStream) Cursor() ([]byte, error) { return nil, nil }

// Finished implements [Stream].
func (s *liveStream) Finished() (map[string][]byte, error) {
	return nil, nil //nolint:nilnil // an empty map by another name
}

// Stats implements [Stream].
func (s *liveStream) Stats() Stats {
	return Stats{Lines: s.packets, Bytes: s.bytes, Dropped: s.handle.Dropped(), Missing: int64(s.decoder.Dropped())}
}

// Progress implements [Stream].
func (s *liveStream) Progress() (done, total int64) { return s.bytes, 0 }

// File implements [Stream].
func (s *liveStream) File() string { return s.name }

// Close implements [Stream].
func (s *liveStream) Close() error { return s.handle.Close() }
