package source

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"golang.org/x/sys/unix"
)

// What passes in TestSpeedOfCapture.
const (
	wantedRate = 300_000 // packets a second
	rushTime   = 3 * time.Second
)

// TestSpeedOfCapture captures on a veth while 300,000 packets a second pass, and
// prints how many were seen and how many the kernel had to drop.
func TestSpeedOfCapture(t *testing.T) {
	if os.Getenv("TRIPLINE_SPEED") == "" {
		t.Skip("a measurement: make bench-pcap")
	}
	if !inNamespace(t) {
		return
	}
	space := fmt.Sprintf("tlrush%d", os.Getpid())
	run(t, "ip", "netns", "add", space)
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", space).Run() })
	w := &world{T: t}
	w.link("rush0", space, "rush1", "192.0.2.1", "2001:db8:1::1", "192.0.2.2", "2001:db8:1::2")
	s, err := Open(captureSource, "rush0", nil, StreamOptions{Options: atHome(), Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rushed := make(chan error, 1)
	sent, began := 0, time.Now()
	var took time.Duration
	go func() {
		var err error
		sent, err = rush(space, "rush1")
		took = time.Since(began)
		rushed <- err
	}()
	var quiet time.Time // since when nothing is sent or seen: the kernel fills a block before it shows it
	for seen := int64(0); ; {
		var r Record
		switch err := s.Next(&r); {
		case errors.Is(err, io.EOF) && !quiet.IsZero() && time.Since(quiet) > time.Second:
			if err := <-rushed; err != nil {
				t.Fatal(err)
			}
			tellRush(t, s.Stats(), sent, took)
			return
		case errors.Is(err, io.EOF):
			_ = s.Wait(t.Context(), 20*time.Millisecond)
			if n := s.Stats().Lines; len(rushed) == 0 || n != seen || quiet.IsZero() {
				seen, quiet = n, time.Now()
			}
		case err != nil && !errors.As(err, new(*RecordError)):
			t.Fatal(err)
		}
	}
}

func tellRush(t *testing.T, st Stats, sent int, took time.Duration) {
	t.Helper()
	t.Logf("%d packets sent, %.0f a second; %d seen, %d dropped (%.3f %%)",
		sent, float64(sent)/took.Seconds(), st.Lines, st.Dropped, 100*float64(st.Dropped)/float64(max(1, sent)))
	if got := st.Lines + st.Dropped; got < int64(sent) {
		t.Errorf("%d packets seen and dropped, %d sent: some are not accounted for", got, sent)
	}
}

// rush sends datagrams of 64 connections into a network at the wanted rate, or as fast
// as it can: whole frames, past the queues of the interface.
func rush(space, name string) (sent int, err error) {
	fd, err := frames(space, name)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	batch := messages(datagrams(64))
	for began := time.Now(); ; {
		gone := time.Since(began)
		if gone > rushTime {
			return sent, nil
		}
		if float64(sent) > wantedRate*gone.Seconds() {
			time.Sleep(100 * time.Microsecond)
			continue
		}
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&batch[0])), uintptr(len(batch)), 0, 0, 0)
		if errno != 0 && errno != unix.ENOBUFS {
			return sent, errno
		}
		if errno == 0 {
			sent += int(n)
		}
	}
}

// A header is the mmsghdr of sendmmsg(2), which package unix does not have.
type header struct {
	unix.Msghdr
	_ [unsafe.Sizeof(uintptr(0)) - 4]byte
	_ uint32 // with what is before it: how much was sent
}

func messages(list [][]byte) (batch []header) {
	for _, b := range list {
		v := &unix.Iovec{Base: &b[0]}
		v.SetLen(len(b))
		m := header{Msghdr: unix.Msghdr{Iov: v}}
		m.SetIovlen(1)
		batch = append(batch, m)
	}
	return batch
}

// frames opens an interface of a network to write to.
func frames(space, name string) (fd int, err error) {
	ended := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with what it was changed to
		ended <- func() error {
			ns, err := os.Open("/run/netns/" + space)
			if err != nil {
				return err
			}
			defer ns.Close()
			if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
				return err
			}
			is, err := net.InterfaceByName(name)
			if err != nil {
				return err
			}
			if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0); err != nil {
				return err
			}
			return errors.Join(unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1), unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: is.Index}))
		}()
	}()
	err = <-ended
	return fd, err
}

// datagrams are frames with 64 bytes of UDP, each from another port, to a station that
// is not there: nobody answers.
func datagrams(n int) (list [][]byte) {
	for i := range n {
		b := gopacket.NewSerializeBuffer()
		ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: net.IPv4(192, 0, 2, 2), DstIP: net.IPv4(203, 0, 113, 7)}
		udp := &layers.UDP{SrcPort: layers.UDPPort(20000 + i), DstPort: 9999}
		_ = udp.SetNetworkLayerForChecksum(ip)
		_ = gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
			&layers.Ethernet{SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}, DstMAC: net.HardwareAddr{2, 0, 0, 0, 0, 9}, EthernetType: layers.EthernetTypeIPv4}, ip, udp, gopacket.Payload(make([]byte, 64)))
		list = append(list, b.Bytes())
	}
	return list
}
