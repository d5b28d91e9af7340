package container

import (
	"context"
	"net/netip"
)

// A network is what the engine says of one.
type network struct {
	ID      string `json:"Id"`
	Name    string
	Driver  string
	Options map[string]string
	IPAM    struct{ Config []struct{ Subnet string } }
}

// subnets are where its containers have their addresses.
func (n *network) subnets() (out []netip.Prefix) {
	for _, c := range n.IPAM.Config {
		if p, err := netip.ParsePrefix(c.Subnet); err == nil && p.Bits() > 0 {
			out = append(out, p.Masked())
		}
	}
	return out
}

// Options of a bridge that say whether it translates addresses.
const (
	masquerade = "com.docker.network.bridge.enable_ip_masquerade"
	gateway4   = "com.docker.network.bridge.gateway_mode_ipv4"
	gateway6   = "com.docker.network.bridge.gateway_mode_ipv6"
)

// translates says whether what leaves the host from this network carries the
// host's address.
func (n *network) translates(a netip.Addr) bool {
	switch n.Driver {
	case "bridge", "overlay", "slirp4netns", "pasta":
	default: // macvlan, ipvlan, host, none and what others add
		return false
	}
	mode := n.Options[gateway6]
	if a.Is4() {
		mode = n.Options[gateway4]
	}
	return n.Options[masquerade] != "false" && mode != "routed"
}

// network asks for a network; what cannot be told is taken for a bridge, the
// usual one.
func (e *Engine) network(ctx context.Context, id string) network {
	n := network{Driver: "bridge"}
	if id == "" || e.get(ctx, "/networks/"+id, &n) != nil {
		return network{ID: id, Driver: "bridge"}
	}
	return n
}
