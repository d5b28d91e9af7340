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

// The short way says yes to nothing that the long one changes or refuses.
func FuzzPlain(f *testing.F) {
	for _, s := range []string{"api.example.com", "a..b", "nas", "A.b", "a.b.", "1.2.3.4", "a.0x7f", "_x.y", "-.a", "."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !plain(s) {
			return
		}
		name, ok := CanonicalName(s)
		_, last := cutLast(name)
		if !ok || name != s || !hostName(s) || numeric(last) {
			t.Errorf("%q passes for a host name", s)
		}
	})
}
