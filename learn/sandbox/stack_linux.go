package sandbox

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"sync"

	"gvisor.dev/gvisor/pkg/log"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/fdbased"
	"gvisor.dev/gvisor/pkg/tcpip/network/arp"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
)

const (
	nic = 1
	// inFlight is how many connections may be waiting for the outside at once.
	inFlight = 8192
	// oneSegment lets the stack send as much at once as a packet holds, without
	// sums of it.
	oneSegment = 65535
)

// pieces are the parts of the buffer of one packet: a small one takes the first, a
// full one few. Together they hold the largest (the stack's own are ten).
var pieces = sync.OnceFunc(func() { fdbased.BufConfig = []int{256, 4096, 65280} })

// serve puts a stack on the link: fd is read and written, as Ethernet or as bare
// packets.
func (b *box) serve(fd int, ethernet bool) error {
	pieces()
	o := &fdbased.Options{FDs: []int{fd}, MTU: mtu, RXChecksumOffload: true, EthernetHeader: ethernet}
	if ethernet {
		o.GSOMaxSize = oneSegment
		o.Address = tcpip.LinkAddress(macOutside)
		o.PacketDispatchMode = fdbased.RecvMMsg
	}
	b.link = fd
	link, err := fdbased.New(o)
	if err != nil {
		return fmt.Errorf("open the link: %w", err)
	}
	return b.attach(link)
}

// attach puts a stack on any link.
func (b *box) attach(link stack.LinkEndpoint) error {
	log.SetTarget(log.GoogleEmitter{Writer: &log.Writer{Next: io.Discard}}) // standard error is the command's
	b.stack = stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, ipv6.NewProtocol, arp.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol, icmp.NewProtocol4, icmp.NewProtocol6},
	})
	b.udp.all, b.ping.all = map[pair]*exchange{}, map[pair]*exchange{}
	b.udp.b, b.ping.b = b, b
	b.stack.SetTransportProtocolHandler(tcp.ProtocolNumber, tcp.NewForwarder(b.stack, 0, inFlight, b.tcp).HandlePacket)
	b.stack.SetTransportProtocolHandler(udp.ProtocolNumber, b.udp.packet)
	g := &guard{b: b}
	g.Init(link, g)
	if err := told(b.stack.CreateNIC(nic, g), "make the interface"); err != nil {
		return err
	}
	return errors.Join(b.addresses(), b.tune())
}

func (b *box) addresses() error {
	errs := []error{
		told(b.stack.SetPromiscuousMode(nic, true), "take all addresses"),
		told(b.stack.SetSpoofing(nic, true), "answer from all addresses"),
	}
	for _, gateway := range []netip.Addr{gateway4, gateway6} {
		network := protocolOf(gateway)
		errs = append(errs, told(b.stack.AddProtocolAddress(nic, tcpip.ProtocolAddress{
			Protocol: network, AddressWithPrefix: address(gateway).WithPrefix(),
		}, stack.AddressProperties{}), "add the gateway"))
	}
	for _, inside := range []netip.Addr{inside4.Addr(), inside6.Addr()} {
		// A link without Ethernet has no neighbours.
		b.stack.AddStaticNeighbor(nic, protocolOf(inside), address(inside), tcpip.LinkAddress(macInside))
	}
	b.stack.SetRouteTable([]tcpip.Route{
		{Destination: header.IPv4EmptySubnet, NIC: nic},
		{Destination: header.IPv6EmptySubnet, NIC: nic},
	})
	return errors.Join(errs...)
}

// tune sizes windows for a link without delay, and connections by the thousand.
func (b *box) tune() error {
	sack := tcpip.TCPSACKEnabled(true)
	receive := tcpip.TCPReceiveBufferSizeRangeOption{Min: 4 << 10, Default: 1 << 20, Max: 4 << 20}
	send := tcpip.TCPSendBufferSizeRangeOption{Min: 4 << 10, Default: 1 << 20, Max: 2 << 20}
	moderate := tcpip.TCPModerateReceiveBufferOption(true)
	wait := tcpip.TCPTimeWaitTimeoutOption(0)
	return errors.Join(
		told(b.stack.SetTransportProtocolOption(tcp.ProtocolNumber, &sack), "tune"),
		told(b.stack.SetTransportProtocolOption(tcp.ProtocolNumber, &receive), "tune"),
		told(b.stack.SetTransportProtocolOption(tcp.ProtocolNumber, &send), "tune"),
		told(b.stack.SetTransportProtocolOption(tcp.ProtocolNumber, &moderate), "tune"),
		told(b.stack.SetTransportProtocolOption(tcp.ProtocolNumber, &wait), "tune"),
	)
}

func told(err tcpip.Error, what string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %s", what, err)
}

func address(a netip.Addr) tcpip.Address { return tcpip.AddrFromSlice(a.AsSlice()) }

func addr(a tcpip.Address) netip.Addr {
	out, _ := netip.AddrFromSlice(a.AsSlice())
	return out
}

func protocolOf(a netip.Addr) tcpip.NetworkProtocolNumber {
	if a.Is4() {
		return header.IPv4ProtocolNumber
	}
	return header.IPv6ProtocolNumber
}

// ends returns who sent a packet, and to whom.
func ends(id stack.TransportEndpointID) (from, to netip.AddrPort) {
	return netip.AddrPortFrom(addr(id.RemoteAddress), id.RemotePort), netip.AddrPortFrom(addr(id.LocalAddress), id.LocalPort)
}
