package feed

import (
	"bytes"
	"errors"
	"iter"
	"strings"

	"tripline/ipranges"
)

// The answer of the API (https://developers.cloudflare.com/api, "Cloudflare IP
// Details"):
//
//	{"result": {"ipv4_cidrs": ["173.245.48.0/20"], "ipv6_cidrs": ["2400:cb00::/32"], "etag": "38f7"}, "success": true}
//
// The same is published as two plain lists, which stand in where the API does
// not answer.
var cloudflare = Feed{
	Name:     "cloudflare",
	URL:      "https://api.cloudflare.com/client/v4/ips",
	Short:    "Cloudflare: the front of its customers' sites",
	Parse:    parser("cloudflare", readCloudflare),
	parts:    []string{"https://www.cloudflare.com/ips-v4", "https://www.cloudflare.com/ips-v6"},
	canaries: addrs("104.16.0.1", "172.64.0.1", "2606:4700::1"),
	read:     readCloudflare,
	like:     func(head string) bool { return strings.Contains(head, `"ipv4_cidrs"`) },
}

// readCloudflare reads either form.
func readCloudflare(raw []byte) (document, error) {
	if bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(raw, bom), " \t\r\n"), []byte("{")) {
		return reader[cloudflareDocument]()(raw)
	}
	return listReader("cloudflare", geo)(raw)
}

type cloudflareDocument struct {
	Success bool `json:"success"`
	Result  struct {
		IPv4 []string `json:"ipv4_cidrs"`
		IPv6 []string `json:"ipv6_cidrs"`
		ETag string   `json:"etag"`
	} `json:"result"`
}

func (d *cloudflareDocument) shape() error {
	switch {
	case !d.Success:
		return errors.New(`"success" is not true`)
	case d.Result.IPv4 == nil || d.Result.IPv6 == nil:
		return errors.New(`no "ipv4_cidrs" or no "ipv6_cidrs"`)
	}
	return nil
}

func (d *cloudflareDocument) entries() iter.Seq[entry] {
	label := ipranges.Label{Provider: "cloudflare"}
	return each(list{"ipv4_cidrs", d.Result.IPv4, label}, list{"ipv6_cidrs", d.Result.IPv6, label})
}

func (d *cloudflareDocument) edition() Edition { return Edition{Token: d.Result.ETag} }
