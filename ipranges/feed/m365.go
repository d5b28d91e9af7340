package feed

import (
	"fmt"
	"iter"
	"strconv"
	"strings"

	"tripline/ipranges"
)

// One set of the file (Microsoft 365 documentation, "Office 365 IP Address and
// URL web service"):
//
//	{"id": 1, "serviceArea": "Exchange", "urls": ["outlook.office.com"], "ips": ["13.107.6.152/31"], "tcpPorts": "80,443", "required": true}
//
// Many sets have names only: they are reached through fronts that others share.
var m365 = Feed{
	Name:   "m365",
	URL:    "https://endpoints.office.com/endpoints/worldwide",
	Short:  "Microsoft 365: Exchange, SharePoint, Teams and what they have in common, with names",
	Parse:  parser("m365", readM365),
	client: "clientrequestid",
	Named:  true,
	read:   readM365,
	like:   func(head string) bool { return strings.Contains(head, `"serviceArea"`) },
}

type m365Document []m365Set

type m365Set struct {
	ID   int      `json:"id"`
	Area string   `json:"serviceArea"`
	URLs []string `json:"urls"`
	IPs  []string `json:"ips"`
}

// readM365 reads the one file whose document is an array.
func readM365(raw []byte) (document, error) {
	var d m365Document
	if err := decode(raw, '[', &d); err != nil {
		return nil, err
	}
	return d, d.shape()
}

func (d m365Document) shape() error {
	for i, s := range d {
		if s.Area == "" {
			return fmt.Errorf(`[%d]: no "serviceArea"`, i)
		}
	}
	return nil
}

func (s m365Set) label() ipranges.Label { return ipranges.Label{Provider: "m365", Service: s.Area} }

func (d m365Document) entries() iter.Seq[entry] {
	lists := make([]list, len(d))
	for i, s := range d {
		lists[i] = list{"[" + strconv.Itoa(i) + "].ips", s.IPs, s.label()}
	}
	return each(lists...)
}

func (d m365Document) names() iter.Seq2[Name, error] {
	return func(yield func(Name, error) bool) {
		for _, s := range d {
			for _, u := range s.URLs {
				if !yield(name(u, s.label())) {
					return
				}
			}
		}
	}
}

func (d m365Document) edition() Edition { return Edition{} }
