package feed

import (
	"errors"
	"iter"
	"strings"

	"tripline/ipranges"
)

// The whole file (https://www.fastly.com/documentation/reference/api/utils/public-ip-list/):
//
//	{"addresses": ["23.235.32.0/20"], "ipv6_addresses": ["2a04:4e40::/32"]}
var fastly = Feed{
	Name:     "fastly",
	URL:      "https://api.fastly.com/public-ip-list",
	Short:    "Fastly: the front of its customers' sites",
	Parse:    parser("fastly", readFastly),
	canaries: addrs("151.101.0.1"),
	read:     readFastly,
	like:     func(head string) bool { return strings.Contains(head, `"ipv6_addresses"`) },
}

var readFastly = reader[fastlyDocument]()

type fastlyDocument struct {
	IPv4 []string `json:"addresses"`
	IPv6 []string `json:"ipv6_addresses"`
}

func (d *fastlyDocument) shape() error {
	if d.IPv4 == nil || d.IPv6 == nil {
		return errors.New(`no "addresses" or no "ipv6_addresses"`)
	}
	return nil
}

func (d *fastlyDocument) entries() iter.Seq[entry] {
	label := ipranges.Label{Provider: "fastly"}
	return each(list{"addresses", d.IPv4, label}, list{"ipv6_addresses", d.IPv6, label})
}

func (d *fastlyDocument) edition() Edition { return Edition{} }
