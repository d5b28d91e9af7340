package feed

import (
	"errors"
	"iter"
	"strconv"
	"strings"
	"time"

	"tripline/ipranges"
)

// One region of the file (Oracle Cloud Infrastructure documentation, "IP
// Address Ranges"):
//
//	{"region": "mx-monterrey-1", "cidrs": [{"cidr": "40.233.0.0/19", "tags": ["OCI"]}]}
var oci = Feed{
	Name:  "oci",
	URL:   "https://docs.oracle.com/iaas/tools/public_ip_ranges.json",
	Short: "Oracle Cloud: customers' addresses, services and storage, by region",
	Parse: parser("oci", readOCI),
	read:  readOCI,
	like:  func(head string) bool { return strings.Contains(head, `"last_updated_timestamp"`) },
}

var readOCI = reader[ociDocument]()

type ociDocument struct {
	Updated string      `json:"last_updated_timestamp"`
	Regions []ociRegion `json:"regions"`
}

type ociRegion struct {
	Region string    `json:"region"`
	IPv4   []ociCIDR `json:"cidrs"`
	IPv6   []ociCIDR `json:"ipv6_cidrs"`
}

type ociCIDR struct {
	CIDR string   `json:"cidr"`
	Tags []string `json:"tags"`
}

func (d *ociDocument) shape() error {
	if d.Regions == nil {
		return errors.New(`no "regions"`)
	}
	return nil
}

func (d *ociDocument) entries() iter.Seq[entry] {
	return func(yield func(entry) bool) {
		for i, r := range d.Regions {
			at := "regions[" + strconv.Itoa(i) + "]."
			if !r.entries(at+"cidrs", r.IPv4, yield) || !r.entries(at+"ipv6_cidrs", r.IPv6, yield) {
				return
			}
		}
	}
}

// entries yields one entry for each tag of a prefix.
func (r ociRegion) entries(at string, cidrs []ociCIDR, yield func(entry) bool) bool {
	for i, c := range cidrs {
		e := entry{list: at, index: i, prefix: c.CIDR}
		if len(c.Tags) == 0 || r.Region == "" {
			e.err = errors.New(`no "tags" or no "region"`)
			c.Tags = []string{""}
		}
		for _, tag := range c.Tags {
			e.label = ipranges.Label{Provider: "oci", Service: tag, Region: r.Region}
			if !yield(e) {
				return false
			}
		}
	}
	return true
}

func (d *ociDocument) edition() Edition {
	made, err := time.Parse("2006-01-02T15:04:05.999999999", d.Updated)
	if err != nil {
		made = time.Time{}
	}
	return Edition{Published: made}
}
