package feed

import (
	"errors"
	"iter"
	"strings"
	"time"

	"tripline/ipranges"
)

// One entry of ip-ranges.json (the AWS General Reference, "AWS IP address
// ranges"):
//
//	{"ip_prefix": "52.216.0.0/15", "region": "us-east-1", "service": "S3", "network_border_group": "us-east-1"}
//
// The same prefix is listed once for each service that is reached there.
var aws = Feed{
	Name:     "aws",
	URL:      "https://ip-ranges.amazonaws.com/ip-ranges.json",
	Short:    "Amazon Web Services: services and regions",
	Parse:    parser("aws", readAWS),
	canaries: addrs("52.216.10.1", "205.251.192.1"),
	services: []string{"AMAZON", "CLOUDFRONT", "EC2", "S3/us-east-1"},
	read:     readAWS,
	like: func(head string) bool {
		return strings.Contains(head, `"ip_prefix"`) || strings.Contains(head, `"createDate"`)
	},
}

var readAWS = reader[awsDocument]()

type awsDocument struct {
	SyncToken    string     `json:"syncToken"`
	CreateDate   string     `json:"createDate"`
	Prefixes     []awsEntry `json:"prefixes"`
	IPv6Prefixes []awsEntry `json:"ipv6_prefixes"`
}

type awsEntry struct {
	IPPrefix   string `json:"ip_prefix"`
	IPv6Prefix string `json:"ipv6_prefix"`
	Region     string `json:"region"`
	Service    string `json:"service"`
}

func (d *awsDocument) shape() error {
	if d.Prefixes == nil || d.IPv6Prefixes == nil {
		return errors.New(`no "prefixes" or no "ipv6_prefixes"`)
	}
	return nil
}

func (d *awsDocument) entries() iter.Seq[entry] {
	return func(yield func(entry) bool) {
		for i, e := range d.Prefixes {
			if !yield(e.entry("prefixes", i, e.IPPrefix)) {
				return
			}
		}
		for i, e := range d.IPv6Prefixes {
			if !yield(e.entry("ipv6_prefixes", i, e.IPv6Prefix)) {
				return
			}
		}
	}
}

func (e awsEntry) entry(list string, i int, prefix string) entry {
	out := entry{list: list, index: i, prefix: prefix}
	out.label = ipranges.Label{Provider: "aws", Service: e.Service, Region: e.Region}
	if e.Service == "" || e.Region == "" {
		out.err = errors.New(`no "service" or no "region"`)
	}
	return out
}

// createDate is in UTC.
func (d *awsDocument) edition() Edition {
	made, err := time.Parse("2006-01-02-15-04-05", d.CreateDate)
	if err != nil {
		made = time.Time{}
	}
	return Edition{Published: made, Token: d.SyncToken}
}
