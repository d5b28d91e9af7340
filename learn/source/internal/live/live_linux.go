package live

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"
	"unsafe"

	"github.com/gopacket/gopacket/afpacket"
	"golang.org/x/sys/unix"

	"tripline/learn/source/internal/capfile"
)

// RightHint says how to get the right to capture.
const RightHint = "run tripline as root, or give it the right: setcap cap_net_raw+ep tripline"

// The ring: 32 MiB, a tenth of a second of a fast line.
const (
	blockSize = 1 << 20
	blocks    = 32
	frameSize = 1 << 14
)

// A Handle is an open interface. It is not for concurrent use.
type Handle struct {
	packets *afpacket.TPacket
	link    uint16
	name    string
	names   map[int]string // by index, where all interfaces are captured
}

// Watching is the rights of who also asks the kernel for its connections, and /proc
// for the processes of others.
const Watching = 1<<unix.CAP_NET_ADMIN | 1<<unix.CAP_SYS_PTRACE

// Open begins to capture on an interface, or on "any", and gives up rights, but for
// those to keep.
func Open(name string, keep uint64) (*Handle, error) {
	h := &Handle{name: name}
	link, kind, err := layer(name)
	if err != nil {
		return nil, err
	}
	h.link = link
	o := []any{
		kind, afpacket.OptFrameSize(frameSize), afpacket.OptBlockSize(blockSize), afpacket.OptNumBlocks(blocks),
		afpacket.OptPollTimeout(0), afpacket.OptBlockTimeout(20 * time.Millisecond), afpacket.TPacketVersion3,
	}
	if name != "any" {
		o = append(o, afpacket.OptInterface(name))
	} else {
		h.names = map[int]string{}
	}
	if h.packets, err = afpacket.NewTPacket(o...); err != nil {
		return nil, permitted(err)
	}
	if err := h.begin(keep); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

func permitted(err error) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return ErrRight
	}
	return err
}

func (h *Handle) begin(keep uint64) error {
	program, err := filter()
	if err != nil {
		return fmt.Errorf("filter: %w", err)
	}
	if err := h.packets.SetBPF(program); err != nil {
		return fmt.Errorf("filter: %w", err)
	}
	if err := h.packets.InitSocketStats(); err != nil {
		return fmt.Errorf("statistics: %w", err)
	}
	return renounce(uint32(keep))
}

// Link layers by their LINKTYPE.
const (
	linkEthernet = 1
	linkRaw      = 101
)

// layer returns the link layer of an interface. Where it is neither Ethernet nor
// looks like it, the kernel is asked for what is above.
func layer(name string) (uint16, any, error) {
	if name == "any" {
		return linkRaw, afpacket.SocketDgram, nil
	}
	kind, err := hardware(name)
	if err != nil {
		return 0, nil, fmt.Errorf("its kind: %w", err)
	}
	if kind == unix.ARPHRD_ETHER || kind == unix.ARPHRD_LOOPBACK {
		return linkEthernet, afpacket.SocketRaw, nil
	}
	return linkRaw, afpacket.SocketDgram, nil
}

// hardware asks for the kind of an interface, a number of ARP.
func hardware(name string) (uint16, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written
	var request [unix.IFNAMSIZ + 24]byte
	copy(request[:unix.IFNAMSIZ-1], name)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCGIFHWADDR, uintptr(unsafe.Pointer(&request[0]))) //nolint:gosec // G103: how an ioctl takes its argument
	if errno != 0 {
		return 0, errno
	}
	return binary.NativeEndian.Uint16(request[unix.IFNAMSIZ:]), nil
}

// Next returns the next packet; ok is false if there is none now. Its data is
// valid until the next call.
func (h *Handle) Next(p *capfile.Packet) (ok bool, err error) {
	data, info, err := h.packets.ZeroCopyReadPacketData()
	if errors.Is(err, afpacket.ErrTimeout) {
		return false, nil
	}
	if err != nil {
		return false, h.gone(err)
	}
	p.Time, p.Data, p.Length, p.Link = info.Timestamp.UnixNano(), data, uint32(info.Length), h.link
	p.Interface = h.name
	if h.names != nil {
		p.Interface = h.nameOf(info.InterfaceIndex)
	}
	return true, nil
}

// gone says what happened to an interface that cannot be read any more.
func (h *Handle) gone(err error) error {
	if errors.Is(err, afpacket.ErrPoll) {
		return errors.New("the interface went down")
	}
	return err
}

func (h *Handle) nameOf(index int) string {
	name, ok := h.names[index]
	if !ok {
		if i, err := net.InterfaceByIndex(index); err == nil {
			name = i.Name
		}
		if len(h.names) > 4096 { // of containers that came and went
			clear(h.names)
		}
		h.names[index] = name
	}
	return name
}

// Wait waits for a packet, at most d, and says whether there may be one.
func (h *Handle) Wait(d time.Duration) bool {
	time.Sleep(min(d, 10*time.Millisecond))
	return true
}

// Dropped is how many packets the kernel had no room for.
func (h *Handle) Dropped() int64 {
	_, v3, err := h.packets.SocketStats()
	if err != nil {
		return 0
	}
	return int64(v3.Drops())
}

// Close ends capturing.
func (h *Handle) Close() error {
	h.packets.Close()
	return nil
}
