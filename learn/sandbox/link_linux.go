package sandbox

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// The network inside. Its IPv4 addresses are from the block for tests of
// networks (RFC 2544), which nobody has; the others are unique local (RFC 4193).
var (
	inside4  = netip.MustParsePrefix("198.19.255.2/30")
	gateway4 = netip.MustParseAddr("198.19.255.1")
	inside6  = netip.MustParsePrefix("fd74:7269:706c::2/64")
	gateway6 = netip.MustParseAddr("fd74:7269:706c::1")
)

// The names of interfaces, and the link addresses of a veth.
const (
	nameInside  = "eth0"
	nameOutside = "tripline"
	mtu         = 65520
)

var (
	macInside  = net.HardwareAddr{2, 0x74, 0x72, 0x69, 0x70, 2}
	macOutside = net.HardwareAddr{2, 0x74, 0x72, 0x69, 0x70, 1}
)

// network makes the link inside, and returns the descriptors that are for the
// other side.
func (p *plan) network(r *report) (fds []int, err error) {
	if err := p.loopback(); err != nil {
		return nil, fmt.Errorf("bring up the loopback: %w", err)
	}
	link, err := p.link(r)
	if err != nil {
		return nil, fmt.Errorf("make a %s link: %w", r.Link, err)
	}
	if err := routes(r.Link == "veth"); err != nil {
		return nil, fmt.Errorf("set up the %s link: %w", r.Link, err)
	}
	diag, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_INET_DIAG)
	if err != nil {
		return nil, fmt.Errorf("open socket diagnostics: %w", err)
	}
	fds, r.FDs = []int{link, diag}, []string{fdLink, fdDiag}
	for _, port := range p.Listen {
		fd, err := listenLoopback(port)
		if err != nil {
			return nil, fmt.Errorf("listen on port %d of its loopback: %w", port, err)
		}
		fds, r.FDs = append(fds, fd), append(r.FDs, fdListen)
	}
	return fds, nil
}

// link makes the one that was asked for, or the first that is possible: of two
// that are, TUN is the quicker one.
func (p *plan) link(r *report) (fd int, err error) {
	if r.Link = "tun"; p.Link != "veth" {
		if fd, err = tun(); err == nil || p.Link == "tun" {
			return fd, err
		}
	}
	r.Link = "veth"
	return veth()
}

// loopback brings the loopback up, and lets the command ask for echoes.
func (p *plan) loopback() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	// Ports of connections that are over are taken again, as on the loopback: looking
	// for one that never was takes a millisecond after 14,000 connections to a place.
	os.WriteFile("/proc/sys/net/ipv4/tcp_tw_reuse", []byte("1"), 0) //nolint:errcheck // it is slower without
	// The link has no delay and no rate of its own to be found out: nothing is to be paced.
	os.WriteFile("/proc/sys/net/ipv4/tcp_congestion_control", []byte("reno"), 0) //nolint:errcheck // it is slower without
	gid := strconv.Itoa(p.GID)
	os.WriteFile("/proc/sys/net/ipv4/ping_group_range", []byte(gid+" "+gid), 0) //nolint:errcheck // without it, ping says so itself
	return netlink.LinkSetUp(lo)
}

// tun opens a TUN device, where an ordinary user may.
func tun() (int, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	req, err := unix.NewIfreq(nameInside)
	if err == nil {
		req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, req)
	}
	if err == nil {
		err = unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, unix.TUN_F_CSUM) // nobody reads checksums
	}
	if err != nil {
		unix.Close(fd) //nolint:errcheck // nothing was written
		return -1, err
	}
	return fd, nil
}

// veth makes a pair of interfaces, both inside, and opens the outer one for
// frames: that needs no device.
func veth() (int, error) {
	pair := &netlink.Veth{
		LinkAttrs: netlink.LinkAttrs{Name: nameInside, MTU: mtu, HardwareAddr: macInside},
		PeerName:  nameOutside, PeerHardwareAddr: macOutside,
	}
	if err := netlink.LinkAdd(pair); err != nil {
		return -1, err
	}
	outer, err := netlink.LinkByName(nameOutside)
	if err != nil {
		return -1, err
	}
	os.WriteFile("/proc/sys/net/ipv6/conf/"+nameOutside+"/disable_ipv6", []byte("1"), 0) //nolint:errcheck // there may be no IPv6
	if err := cut(nameInside); err != nil {
		return -1, fmt.Errorf("have packets cut: %w", err)
	}
	if err := errors.Join(netlink.LinkSetMTU(outer, mtu), netlink.LinkSetUp(outer)); err != nil {
		return -1, err
	}
	return frames(outer.Attrs().Index)
}

// frames opens an interface for frames, each behind a virtio_net_hdr, which says
// that the kernel need not look at checksums either.
func frames(index int) (int, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	const room = 16 << 20
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, room) != nil {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, room)
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, room) != nil {
		err = errors.Join(err, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, room))
	}
	err = errors.Join(err, unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: bigEndian(unix.ETH_P_ALL), Ifindex: index}))
	if err != nil {
		unix.Close(fd) //nolint:errcheck // nothing was written
		return -1, err
	}
	return fd, nil
}

func bigEndian(v uint16) uint16 { return v<<8 | v>>8 }

// routes gives the inner end its addresses, and sends everything there.
func routes(ethernet bool) error {
	link, err := netlink.LinkByName(nameInside)
	if err != nil {
		return err
	}
	if err := errors.Join(netlink.LinkSetMTU(link, mtu), netlink.LinkSetUp(link)); err != nil {
		return err
	}
	if err := route(link, inside4, gateway4, ethernet); err != nil {
		return err
	}
	if _, err := os.Stat("/proc/net/if_inet6"); err != nil {
		return nil //nolint:nilerr // this kernel has no IPv6
	}
	return route(link, inside6, gateway6, ethernet)
}

func route(link netlink.Link, inside netip.Prefix, gateway netip.Addr, ethernet bool) error {
	addr := &netlink.Addr{IPNet: &net.IPNet{IP: inside.Addr().AsSlice(), Mask: net.CIDRMask(inside.Bits(), inside.Addr().BitLen())}}
	if inside.Addr().Is6() {
		addr.Flags = unix.IFA_F_NODAD
	}
	if err := netlink.AddrAdd(link, addr); err != nil {
		return fmt.Errorf("address %s: %w", inside, err)
	}
	index := link.Attrs().Index
	if ethernet {
		err := netlink.NeighSet(&netlink.Neigh{LinkIndex: index, State: netlink.NUD_PERMANENT, IP: gateway.AsSlice(), HardwareAddr: macOutside})
		if err != nil {
			return fmt.Errorf("neighbour %s: %w", gateway, err)
		}
	}
	if err := netlink.RouteAdd(&netlink.Route{LinkIndex: index, Gw: gateway.AsSlice()}); err != nil {
		return fmt.Errorf("route by %s: %w", gateway, err)
	}
	return nil
}

// listenLoopback listens on the command's own loopback.
func listenLoopback(port uint16) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	err = errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Port: int(port), Addr: [4]byte{127, 0, 0, 1}}), unix.Listen(fd, 128))
	if err != nil {
		unix.Close(fd) //nolint:errcheck // nothing was written
		return -1, err
	}
	return fd, nil
}
