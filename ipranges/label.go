package ipranges

import (
	"fmt"
	"strings"
)

// A Label names a published set of addresses: a provider, one of its services,
// and a region of that service. Service and Region may be empty, which means
// all of them. The zero value names nothing. Labels are comparable; text from
// outside compares without regard to case ([Label.Covers]).
type Label struct {
	Provider string // "aws"
	Service  string // "S3"
	Region   string // "us-east-1"
}

// String returns "aws/S3/us-east-1", shorter where parts are empty.
func (l Label) String() string {
	switch {
	case l.Region != "":
		return l.Provider + "/" + l.Service + "/" + l.Region
	case l.Service != "":
		return l.Provider + "/" + l.Service
	}
	return l.Provider
}

// ParseLabel reads what [Label.String] prints.
func ParseLabel(s string) (Label, error) {
	parts := strings.Split(s, "/")
	if len(parts) > 3 {
		return Label{}, fmt.Errorf("label %q has %d parts, want provider/service/region", s, len(parts))
	}
	for _, p := range parts {
		if p == "" || strings.ContainsFunc(p, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return Label{}, fmt.Errorf("label %q has an empty or unprintable part, want provider/service/region", s)
		}
	}
	parts = append(parts, "", "")
	return Label{parts[0], parts[1], parts[2]}, nil
}

// Parent returns the next wider label; ok is false for a provider.
func (l Label) Parent() (parent Label, ok bool) {
	switch {
	case l.Region != "":
		return Label{Provider: l.Provider, Service: l.Service}, true
	case l.Service != "":
		return Label{Provider: l.Provider}, true
	}
	return Label{}, false
}

// Covers says whether m is l or below it.
func (l Label) Covers(m Label) bool {
	return strings.EqualFold(l.Provider, m.Provider) &&
		(l.Service == "" || strings.EqualFold(l.Service, m.Service)) &&
		(l.Region == "" || strings.EqualFold(l.Region, m.Region))
}

// Compare orders labels by provider, service and region.
func (l Label) Compare(m Label) int {
	if c := strings.Compare(l.Provider, m.Provider); c != 0 {
		return c
	}
	if c := strings.Compare(l.Service, m.Service); c != 0 {
		return c
	}
	return strings.Compare(l.Region, m.Region)
}
