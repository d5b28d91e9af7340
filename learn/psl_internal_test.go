package learn

import (
	"testing"

	"golang.org/x/net/publicsuffix"
)

// A domain that the Public Suffix List has taken in needs no line of ours.
func TestTenantedAreNotInTheList(t *testing.T) {
	for domain := range tenanted {
		if suffix, _ := publicsuffix.PublicSuffix("tenant." + domain); suffix == domain {
			t.Errorf("%s is a public suffix by now", domain)
		}
		if name, ok := HostName(domain); !ok || name != domain {
			t.Errorf("%q is no host name in its one form", domain)
		}
	}
}
