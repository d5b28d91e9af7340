package live

import (
	"errors"
	"fmt"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"tripline/learn/source/internal/capfile"
)

// RightHint says how to get the right to capture.
const RightHint = "run tripline as root, or let its group read /dev/bpf (devfs.conf)"

const bufferSize = 4 << 20

// Watching is the rights of who also asks the kernel: there are none here.
const Watching = 0

// A Handle is an open interface. It is not for concurrent use.
type Handle struct {
	file *os.File
	fd   int
	name string
	link uint16
	buf  []byte
	rest []byte
}

// Open begins to capture on an interface. The kernel hands over every packet:
// what is no IP is passed over by who reads.
func Open(name string, _ uint64) (*Handle, error) {
	if name == "any" {
		return nil, errors.New("FreeBSD captures on one interface at a time")
	}
	f, err := os.OpenFile("/dev/bpf", os.O_RDONLY, 0)
	if errors.Is(err, os.ErrPermission) {
		return nil, ErrRight
	}
	if err != nil {
		return nil, err
	}
	h := &Handle{file: f, fd: int(f.Fd()), name: name}
	if err := h.begin(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return h, nil
}

func (h *Handle) begin() error {
	size := uint32(bufferSize)
	if err := h.control(unix.BIOCSBLEN, unsafe.Pointer(&size)); err != nil {
		return fmt.Errorf("buffer: %w", err)
	}
	var request [unix.IFNAMSIZ + 16]byte
	copy(request[:unix.IFNAMSIZ-1], h.name)
	if err := h.control(unix.BIOCSETIF, unsafe.Pointer(&request[0])); err != nil {
		return err
	}
	on := uint32(1)
	if err := h.control(unix.BIOCIMMEDIATE, unsafe.Pointer(&on)); err != nil {
		return fmt.Errorf("immediate mode: %w", err)
	}
	var link uint32
	if err := h.control(unix.BIOCGDLT, unsafe.Pointer(&link)); err != nil {
		return fmt.Errorf("link layer: %w", err)
	}
	h.link = uint16(link)
	if err := unix.SetNonblock(h.fd, true); err != nil {
		return err
	}
	if err := h.control(unix.BIOCLOCK, nil); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	h.buf = make([]byte, size)
	return nil
}

func (h *Handle) control(request uintptr, argument unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(h.fd), request, uintptr(argument)); errno != 0 {
		return errno
	}
	return nil
}

// Next returns the next packet; ok is false if there is none now. Its data is
// valid until the next call.
func (h *Handle) Next(p *capfile.Packet) (ok bool, err error) {
	if len(h.rest) == 0 {
		n, err := unix.Read(h.fd, h.buf)
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) || err == nil && n <= 0 {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		h.rest = h.buf[:n]
	}
	return h.take(p)
}

// take reads one packet of the buffer: a header of its own length, the packet,
// and padding.
func (h *Handle) take(p *capfile.Packet) (bool, error) {
	if len(h.rest) < int(unsafe.Sizeof(unix.BpfHdr{})) {
		h.rest = nil
		return false, nil
	}
	head := (*unix.BpfHdr)(unsafe.Pointer(&h.rest[0]))
	from, to := int(head.Hdrlen), int(head.Hdrlen)+int(head.Caplen)
	if to > len(h.rest) {
		h.rest = nil
		return false, errors.New("a packet is longer than what was read")
	}
	p.Time = int64(head.Tstamp.Sec)*1e9 + int64(head.Tstamp.Usec)*1000
	p.Data, p.Length, p.Link, p.Interface = h.rest[from:to], head.Datalen, h.link, h.name
	const align = unsafe.Sizeof(int(0))
	h.rest = h.rest[min(len(h.rest), (to+int(align)-1)&^(int(align)-1)):]
	return true, nil
}

// Wait waits for a packet, at most d, and says whether there may be one.
func (h *Handle) Wait(d time.Duration) bool {
	time.Sleep(min(d, 10*time.Millisecond))
	return true
}

// Dropped is how many packets the kernel had no room for.
func (h *Handle) Dropped() int64 {
	var stat unix.BpfStat
	if h.control(unix.BIOCGSTATS, unsafe.Pointer(&stat)) != nil {
		return 0
	}
	return int64(stat.Drop)
}

// Close ends capturing.
func (h *Handle) Close() error { return h.file.Close() }
