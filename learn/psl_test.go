package learn_test

import (
	"slices"
	"strings"
	"testing"

	"tripline/learn"
)

func TestHostName(t *testing.T) {
	long := strings.Repeat(strings.Repeat("a", 49)+".", 5) + "abc" // 253 bytes
	for text, want := range map[string]string{
		"API.Example.COM.":        "api.example.com",
		"xn--bcher-kva.example":   "xn--bcher-kva.example",
		"_dns.resolver.example":   "_dns.resolver.example",
		"nas":                     "nas",
		long:                      long,
		long + ".":                long,
		long + "d":                "",
		long + "de":               "",
		"":                        "",
		".":                       "",
		"a..example":              "",
		"a.example..":             "",
		"192.0.2.7":               "",
		"0xc0.0x0.0x2.0x7":        "",
		"a.0x7f":                  "",
		"a.7":                     "",
		"2001:db8::7":             "",
		"[2001:db8::7]":           "",
		"b\u00fccher.example":     "",
		"a b.example":             "",
		"a\n.example":             "",
		"*.example.com":           "",
		"a.example\x00.other.org": "",
	} {
		if got, ok := learn.HostName(text); got != want || ok != (want != "") {
			t.Errorf("HostName(%q) = %q, %t, want %q", text, got, ok, want)
		}
	}
}

func TestRegistrable(t *testing.T) {
	for name, want := range map[string]string{
		"a.b.example.com":                     "example.com",
		"example.com":                         "example.com",
		"com":                                 "",
		"www.example.co.uk":                   "example.co.uk",
		"co.uk":                               "",
		"b.my-bucket.s3.amazonaws.com":        "my-bucket.s3.amazonaws.com",
		"s3.amazonaws.com":                    "",
		"a.someone.github.io":                 "someone.github.io",
		"a.someone.sharepoint.com":            "someone.sharepoint.com",
		"sharepoint.com":                      "",
		"b.s3.eu-central-1.wasabisys.com":     "b.s3.eu-central-1.wasabisys.com",
		"s3.wasabisys.com":                    "",
		"b.queue.core.windows.net":            "b.queue.core.windows.net",
		"b.blob.core.windows.net":             "b.blob.core.windows.net",
		"core.windows.net":                    "",
		"login.windows.net":                   "windows.net",
		"nas":                                 "",
		"a.nas.lan":                           "nas.lan",
		"a.nas.home.arpa":                     "nas.home.arpa",
		"www.xn--85x722f.xn--55qx5d.cn":       "xn--85x722f.xn--55qx5d.cn",
		"a.b.tenant.r2.cloudflarestorage.com": "tenant.r2.cloudflarestorage.com",
	} {
		if got, ok := learn.Registrable(name); got != want || ok != (want != "") {
			t.Errorf("Registrable(%q) = %q, %t, want %q", name, got, ok, want)
		}
	}
}

func TestWildcards(t *testing.T) {
	for name, want := range map[string][]string{
		"a.b.example.com":              {"*.b.example.com", "*.example.com"},
		"b.example.com":                {"*.example.com"},
		"example.com":                  nil,
		"com":                          nil,
		"b.my-bucket.s3.amazonaws.com": {"*.my-bucket.s3.amazonaws.com"},
		"my-bucket.s3.amazonaws.com":   nil,
		"x.someone.workers.dev":        {"*.someone.workers.dev"},
		"someone.workers.dev":          nil,
	} {
		if got := slices.Collect(learn.Wildcards(name)); !slices.Equal(got, want) {
			t.Errorf("Wildcards(%q) = %q, want %q", name, got, want)
		}
	}
}

func FuzzWildcards(f *testing.F) {
	for _, s := range []string{"a.b.example.com", "com", "b.s3.amazonaws.com", "A.Example.", "nas", "1.2.3.4", "b.s3.r.backblazeb2.com"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, ok := learn.HostName(text)
		if !ok {
			return
		}
		if again, ok := learn.HostName(name); !ok || again != name {
			t.Errorf("%q becomes %q, which becomes %q", text, name, again)
		}
		domain, owned := learn.Registrable(name)
		if owned && name != domain && !strings.HasSuffix(name, "."+domain) {
			t.Errorf("%q is registered as %q", name, domain)
		}
		for w := range learn.Wildcards(name) {
			below, _ := learn.Below(w)
			if err := learn.CheckName(w); err != nil {
				t.Errorf("%q may be in %q: %v", name, w, err)
			}
			if d, _ := learn.Registrable(below); d != domain {
				t.Errorf("%q of %q may be in %q of %q", name, domain, w, d)
			}
		}
	})
}
