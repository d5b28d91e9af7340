package feed

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"tripline/ipranges"
)

// One entry of cloud.json (https://support.google.com/a/answer/10026322):
//
//	{"ipv4Prefix": "34.1.208.0/20", "service": "Google Cloud", "scope": "africa-south1"}
var gcp = Feed{
	Name:     "gcp",
	URL:      "https://www.gstatic.com/ipranges/cloud.json",
	Short:    "Google Cloud: addresses customers can rent, by region",
	Parse:    parser("gcp", readGCP),
	canaries: addrs("34.72.0.1"),
	read:     readGCP,
	like: func(head string) bool {
		return strings.Contains(head, `"creationTime"`) && strings.Contains(head, `"scope"`)
	},
}

var readGCP = reader[gcpDocument]()

type gcpDocument struct{ googleFile }

const googleCloud = "Google Cloud"

func (d *gcpDocument) entries() iter.Seq[entry] {
	return d.each(func(e googleEntry) (ipranges.Label, error) {
		switch {
		case e.Service != googleCloud:
			return ipranges.Label{}, fmt.Errorf("service %.60q, want %q", e.Service, googleCloud)
		case e.Scope == "":
			return ipranges.Label{}, errors.New(`no "scope"`)
		}
		return ipranges.Label{Provider: "gcp", Service: "cloud", Region: e.Scope}, nil
	})
}
