package learn

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"tripline/ipranges"
)

// ParseTo reads what [To.String] prints: an address, a prefix, "AS64500", a
// published set such as "aws/S3/us-east-1", or a name. Addresses and prefixes
// may be in brackets.
func ParseTo(text string) (To, error) {
	if inner, ok := strings.CutPrefix(text, "["); ok && strings.HasSuffix(inner, "]") {
		text = strings.TrimSuffix(inner, "]")
	}
	if a, err := netip.ParseAddr(text); err == nil {
		a = a.Unmap().WithZone("")
		return To{Prefix: netip.PrefixFrom(a, a.BitLen())}, nil
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		if p != p.Masked() {
			return To{}, fmt.Errorf("%s has host bits set, want %s", p, p.Masked())
		}
		return To{Prefix: p}, nil
	}
	if n, ok := strings.CutPrefix(strings.ToUpper(text), "AS"); ok {
		if asn, err := strconv.ParseUint(n, 10, 32); err == nil && asn > 0 {
			return To{ASN: uint32(asn)}, nil
		}
	}
	if strings.Contains(text, "/") {
		label, err := ipranges.ParseLabel(text)
		return To{Label: label}, err
	}
	if hostName(text) && strings.Contains(text, ".") {
		return To{Name: strings.ToLower(strings.TrimSuffix(text, "."))}, nil
	}
	return To{}, fmt.Errorf("%q is no address, prefix, AS number, published set or name", text)
}

// ParseEndpoint reads a destination with its service: "203.0.113.7:443",
// "[2001:db8::7]:443/tcp", "198.51.100.53:53/udp", "aws/S3/us-east-1:443",
// "203.0.113.7:icmp". Without a protocol it is TCP.
func ParseEndpoint(text string) (To, Service, error) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 || strings.Count(text, ":") > 1 && !strings.HasPrefix(text, "[") {
		return To{}, Service{}, WithHint(fmt.Errorf("%q has no port", text),
			"write 203.0.113.7:443, [2001:db8::7]:443, 198.51.100.53:53/udp or 203.0.113.7:icmp")
	}
	to, err := ParseTo(text[:i])
	if err != nil {
		return To{}, Service{}, err
	}
	s, err := parsePort(text[i+1:])
	return to, s, err
}

func parsePort(text string) (Service, error) {
	port, proto, ok := strings.Cut(text, "/")
	if _, err := strconv.Atoi(port); err == nil {
		if !ok {
			proto = "tcp"
		}
		text = proto + "/" + port
	}
	s, err := ParseService(text)
	if err == nil && s.Proto.HasPorts() && s.Port == 0 {
		return s, fmt.Errorf("port 0 is no port: %q", text)
	}
	return s, err
}

// Endpoint writes a destination as [ParseEndpoint] reads it.
func Endpoint(to string, s Service) string {
	if strings.Contains(to, ":") {
		to = "[" + to + "]"
	}
	switch {
	case !s.Proto.HasPorts():
		return to + ":" + s.Proto.String()
	case s.Proto == TCP:
		return to + ":" + strconv.Itoa(int(s.Port))
	}
	return to + ":" + strconv.Itoa(int(s.Port)) + "/" + s.Proto.String()
}
