package learn_test

import (
	"strings"
	"testing"

	"tripline/learn"
)

func TestCanonicalName(t *testing.T) {
	for in, want := range map[string]string{
		"API.Example.COM.":               "api.example.com",
		"a":                              "a",
		"_dns.resolver.example":          "_dns.resolver.example",
		"xn--bcher-kva.example":          "xn--bcher-kva.example",
		"":                               "",
		".":                              "",
		"a..example":                     "",
		"192.0.2.1":                      "",
		"2001:db8::1":                    "",
		"b\u00fccher.example":            "",
		"a b.example":                    "",
		"a\n.example":                    "",
		"*.example.com":                  "",
		"a,b.example":                    "",
		strings.Repeat("a", 64):          "",
		strings.Repeat("a.", 127) + "aa": "",
		strings.Repeat("a.", 126) + "a":  strings.Repeat("a.", 126) + "a",
	} {
		got, ok := learn.CanonicalName(in)
		if got != want || ok != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", in, got, ok, want)
		}
	}
}
