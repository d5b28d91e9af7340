package feed

import (
	"errors"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tripline/ipranges"
)

// One entry of goog.json, which lists all that is Google's, its cloud included
// (https://support.google.com/a/answer/10026322):
//
//	{"ipv6Prefix": "2001:4860::/32"}
var google = Feed{
	Name:     "google",
	URL:      "https://www.gstatic.com/ipranges/goog.json",
	Short:    "Google's own services: all of Google without its cloud",
	Parse:    parser("google", readGoogle),
	canaries: addrs("8.8.8.8", "142.250.72.106"),
	read:     readGoogle,
	like: func(head string) bool {
		return strings.Contains(head, `"creationTime"`) && !strings.Contains(head, `"scope"`)
	},
}

var readGoogle = reader[googleDocument]()

var (
	googleServices = ipranges.Label{Provider: "google", Service: "services"}
	googleWhole    = ipranges.Label{Provider: "google", Service: "goog"}
)

type googleDocument struct{ googleFile }

func (d *googleDocument) entries() iter.Seq[entry] {
	return d.each(func(e googleEntry) (ipranges.Label, error) {
		if e.Scope != "" || e.Service != "" {
			return ipranges.Label{}, errors.New(`a "scope" or "service", which only Google Cloud's list has`)
		}
		return googleServices, nil
	})
}

// googleFile is what cloud.json and goog.json have in common.
type googleFile struct {
	SyncToken    string        `json:"syncToken"`
	CreationTime string        `json:"creationTime"`
	Prefixes     []googleEntry `json:"prefixes"`
}

type googleEntry struct {
	IPv4Prefix string `json:"ipv4Prefix"`
	IPv6Prefix string `json:"ipv6Prefix"`
	Service    string `json:"service"`
	Scope      string `json:"scope"`
}

func (d *googleFile) shape() error {
	if d.Prefixes == nil {
		return errors.New(`no "prefixes"`)
	}
	return nil
}

func (d *googleFile) each(label func(googleEntry) (ipranges.Label, error)) iter.Seq[entry] {
	return func(yield func(entry) bool) {
		for i, e := range d.Prefixes {
			l, err := label(e)
			if (e.IPv4Prefix == "") == (e.IPv6Prefix == "") {
				err = errors.New(`want "ipv4Prefix" or "ipv6Prefix"`)
			}
			if !yield(entry{"prefixes", i, e.IPv4Prefix + e.IPv6Prefix, l, err}) {
				return
			}
		}
	}
}

// creationTime has no zone; it agrees with syncToken, milliseconds in UTC.
func (d *googleFile) edition() Edition {
	made, err := time.Parse("2006-01-02T15:04:05.999999999", d.CreationTime)
	if err != nil {
		made = time.Time{}
	}
	return Edition{Published: made, Token: d.SyncToken}
}

// vips are the addresses of restricted.googleapis.com and
// private.googleapis.com (Google Cloud documentation, "Configure Private Google
// Access"). They are Google's own services and in neither list.
var vips = []netip.Prefix{
	netip.MustParsePrefix("199.36.153.4/30"),
	netip.MustParsePrefix("199.36.153.8/30"),
}

// googleCloudAS announces what Google rents to customers, also what is not yet
// in the list of it.
const googleCloudAS = 396982

// withoutCloud returns what is left of all when cloud, which may be nil, is
// taken out. Of nothing, nothing is left.
func withoutCloud(all, cloud iter.Seq[ipranges.Range], asns ipranges.ASNs) iter.Seq[ipranges.Range] {
	label, rest := googleWhole, setOf(all)
	if rest.IsEmpty() {
		return none
	}
	if rented := setOf(cloud); !rented.IsEmpty() {
		label, rest = googleServices, rest.Subtract(rented)
		if asns != nil {
			rest = rest.Subtract(asns.Announced(googleCloudAS))
		}
	}
	return func(yield func(ipranges.Range) bool) {
		for _, p := range rest.Union(ipranges.NewSet(vips...)).Prefixes() {
			if !yield(ipranges.Range{Prefix: p, Label: label}) {
				return
			}
		}
	}
}

// setOf returns the addresses of ranges, which may be nil.
func setOf(ranges iter.Seq[ipranges.Range]) ipranges.Set {
	if ranges == nil {
		return ipranges.Set{}
	}
	return ipranges.SetOf(slices.Collect(ranges))
}
