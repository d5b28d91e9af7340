package feed

import (
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"tripline/ipranges"
)

// One item of the file (Atlassian support, "IP addresses and domains for
// Atlassian cloud products"):
//
//	{"cidr": "104.192.136.0/21", "region": ["global"], "product": ["jira"], "direction": ["egress", "ingress"], "perimeter": "commercial"}
//
// Directions are Atlassian's: ingress is what others connect to. What has only
// egress calls others, and is left out.
var atlassian = Feed{
	Name:  "atlassian",
	URL:   "https://ip-ranges.atlassian.com/",
	Short: "Atlassian: what others connect to, by product and region",
	Parse: parser("atlassian", readAtlassian),
	read:  readAtlassian,
	like: func(head string) bool {
		return strings.Contains(head, `"creationDate"`) && strings.Contains(head, `"direction"`)
	},
}

var readAtlassian = reader[atlassianDocument]()

type atlassianDocument struct {
	Created   string          `json:"creationDate"`
	SyncToken json.Number     `json:"syncToken"`
	Items     []atlassianItem `json:"items"`
}

type atlassianItem struct {
	CIDR      string   `json:"cidr"`
	Region    []string `json:"region"`
	Product   []string `json:"product"`
	Direction []string `json:"direction"`
}

func (d *atlassianDocument) shape() error {
	if d.Items == nil {
		return errors.New(`no "items"`)
	}
	return nil
}

func (d *atlassianDocument) entries() iter.Seq[entry] {
	return func(yield func(entry) bool) {
		for i, item := range d.Items {
			if !item.entries(i, yield) {
				return
			}
		}
	}
}

// entries yields one entry for each product in each region.
func (t atlassianItem) entries(i int, yield func(entry) bool) bool {
	e := entry{list: "items", index: i, prefix: t.CIDR}
	if len(t.Direction) == 0 || len(t.Product) == 0 || len(t.Region) == 0 {
		e.err = errors.New(`no "direction", "product" or "region"`)
		return yield(e)
	}
	if !slices.Contains(t.Direction, "ingress") {
		return true
	}
	for _, product := range t.Product {
		for _, region := range t.Region {
			e.label = ipranges.Label{Provider: "atlassian", Service: product, Region: region}
			if !yield(e) {
				return false
			}
		}
	}
	return true
}

func (d *atlassianDocument) edition() Edition {
	made, err := time.Parse("2006-01-02T15:04:05.999999999", d.Created)
	if err != nil {
		made = time.Time{}
	}
	return Edition{Published: made, Token: d.SyncToken.String()}
}
