package feed_test

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"tripline/ipranges"
	"tripline/ipranges/feed"
)

var prefixes = cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// split returns both halves of p.
func split(p netip.Prefix) []netip.Prefix {
	half := netip.PrefixFrom(p.Addr(), p.Bits()+1)
	b := p.Addr().AsSlice()
	b[p.Bits()/8] |= 1 << (7 - p.Bits()%8)
	a, _ := netip.AddrFromSlice(b)
	return []netip.Prefix{half, netip.PrefixFrom(a, p.Bits()+1)}
}

func parse(f feed.Feed, text string) (good []ipranges.Range, bad []error) {
	for r, err := range f.Parse(strings.NewReader(text)) {
		if err != nil {
			bad = append(bad, err)
		} else {
			good = append(good, r)
		}
	}
	return good, bad
}

func TestRefusedFiles(t *testing.T) {
	awsRow := func(prefix, service string) string {
		return `{"prefixes": [{"ip_prefix": "` + prefix + `", "region": "us-east-1", "service": "` + service + `"}], "ipv6_prefixes": []}`
	}
	tests := []struct{ feed, text, want string }{
		{"aws", "", "aws: nothing in it, want a JSON document"},
		{"aws", "<html>", "aws: a web page, want a JSON document"},
		{"aws", "\x1f\x8b\x08", "aws: compressed by gzip, want the JSON document in it"},
		{"aws", "[]", `aws: begins with "[", want a JSON object`},
		{"aws", "{}", `aws: no "prefixes" or no "ipv6_prefixes"`},
		{"aws", `{"prefixes": []}`, `aws: no "prefixes" or no "ipv6_prefixes"`},
		{"aws", `{"prefixes": [], "ipv6_prefixes": []}`, "aws: the list is empty"},
		{"aws", `{"prefixes": [`, "aws: the JSON document is cut off: unexpected EOF"},
		{"aws", `{"prefixes": {}}`, "aws: prefixes at byte 14 is a JSON object of another type than published"},
		{"aws", `{"prefixes": [], "ipv6_prefixes": []} {}`, "aws: there is more after the end of the JSON document"},
		{"aws", awsRow("192.0.2.0", "S3"), `aws: prefixes[0]: invalid prefix "192.0.2.0", want an address and a length`},
		{"aws", awsRow("", "S3"), `aws: prefixes[0]: invalid prefix "", want an address and a length`},
		{"aws", awsRow("10.1.0.0/16", "S3"), "aws: prefixes[0]: prefix 10.1.0.0/16 is private or reserved space"},
		{"aws", awsRow("8.0.0.0/7", "S3"), "aws: prefixes[0]: prefix 8.0.0.0/7 is suspiciously large, want /8 or longer"},
		{"aws", awsRow("2000::/15", "S3"), "aws: prefixes[0]: prefix 2000::/15 is suspiciously large, want /16 or longer"},
		{"aws", awsRow("::ffff:10.0.0.0/104", "S3"), "aws: prefixes[0]: prefix ::ffff:10.0.0.0/104 is private or reserved space"},
		{"aws", awsRow("192.0.2.0/24", ""), `aws: prefixes[0]: no "service" or no "region"`},
		{"aws", awsRow("192.0.2.0/24", `S3/..`), `aws: prefixes[0]: invalid label "aws/S3/../us-east-1"`},
		{"aws", awsRow("192.0.2.0/24", `S3\u001b[2J`), `aws: prefixes[0]: invalid label "aws/S3\x1b[2J/us-east-1"`},
		{"gcp", `{"prefixes": [{"ipv4Prefix": "192.0.2.0/24", "service": "Google Cloud"}]}`, `gcp: prefixes[0]: no "scope"`},
		{"gcp", `{"prefixes": [{"ipv4Prefix": "192.0.2.0/24", "scope": "x"}]}`, `gcp: prefixes[0]: service "", want "Google Cloud"`},
		{"gcp", `{"prefixes": [{"service": "Google Cloud", "scope": "x"}]}`, `gcp: prefixes[0]: want "ipv4Prefix" or "ipv6Prefix"`},
		{"google", `{"prefixes": [{"ipv4Prefix": "192.0.2.0/24", "scope": "x"}]}`, `google: prefixes[0]: a "scope" or "service", which only Google Cloud's list has`},
		{"azure", `{"cloud": "Public"}`, `azure: no "values"`},
		{"anthropic", "", "anthropic: nothing in it, want a list of prefixes"},
		{"anthropic", "<!DOCTYPE html>", "anthropic: a web page, want a list of prefixes"},
		{"anthropic", "{}", "anthropic: a JSON document, want a list of prefixes"},
		{"anthropic", "# only a comment", "anthropic: the list is empty"},
		{"anthropic", "\n192.0.2.0/33", `anthropic: line 2: invalid prefix "192.0.2.0/33", want an address and a length`},
		{"linode", "10.0.0.0/8,NL,,,", "linode: line 1: prefix 10.0.0.0/8 is private or reserved space"},
		{"linode", "192.0.2.0/24,N L,,,", `linode: line 1: invalid label "linode/cloud/N L"`},
		{"atlassian", "{}", `atlassian: no "items"`},
		{"atlassian", `{"items": [{"cidr": "192.0.2.0/24"}]}`, `atlassian: items[0]: no "direction", "product" or "region"`},
		{"cloudflare", "<html>", "cloudflare: a web page, want a list of prefixes"},
		{"cloudflare", `{"success": false}`, `cloudflare: "success" is not true`},
		{"cloudflare", `{"success": true, "result": {}}`, `cloudflare: no "ipv4_cidrs" or no "ipv6_cidrs"`},
		{"fastly", `{"addresses": []}`, `fastly: no "addresses" or no "ipv6_addresses"`},
		{"github", `{"actions": ["192.0.2.0/24"]}`, `github: no "web", "api" or "git"`},
		{"m365", "{}", `m365: begins with "{", want a JSON array`},
		{"m365", `[{"ips": ["192.0.2.0/24"]}]`, `m365: [0]: no "serviceArea"`},
		{"oci", "{}", `oci: no "regions"`},
		{"oci", `{"regions": [{"region": "a", "cidrs": [{"cidr": "192.0.2.0/24"}]}]}`, `oci: regions[0].cidrs[0]: no "tags" or no "region"`},
		{"azure", `{"cloud": "China", "values": []}`, `azure: "cloud" is "China", want "Public"`},
		{"azure", `{"cloud": "Public", "values": [{"name": "Storage"}]}`, `azure: values[0]: no "name" or no "addressPrefixes" in tag "Storage"`},
		{"azure", `{"cloud": "Public", "values": [{"name": "A", "properties": {"addressPrefixes": ["192.0.2.0/24", "x"]}}]}`, `azure: values[0].addressPrefixes[1]: invalid prefix "x", want an address and a length`},
	}
	for _, tt := range tests {
		_, bad := parse(find(t, tt.feed), tt.text)
		if len(bad) != 1 || bad[0].Error() != tt.want {
			t.Errorf("%s %.60q:\ngot  %v\nwant %s", tt.feed, tt.text, bad, tt.want)
		}
		if s, err := find(t, tt.feed).Read([]byte(tt.text)); err == nil || s != nil {
			t.Errorf("%s %.60q: Read took it", tt.feed, tt.text)
		}
	}
}

func TestOneBadEntryDoesNotHideTheOthers(t *testing.T) {
	good, bad := parse(find(t, "google"), `{"prefixes": [{"ipv4Prefix": "x"}, {"ipv4Prefix": "192.0.2.9/24"}, {"ipv4Prefix": "192.168.0.0/24"}]}`)
	if len(good) != 1 || good[0].Prefix.String() != "192.0.2.0/24" || len(bad) != 2 {
		t.Errorf("got %v and %v, want the masked prefix and two errors", good, bad)
	}
	if !strings.Contains(bad[1].Error(), "prefixes[2]") {
		t.Errorf("the last error is %v, want its index", bad[1])
	}
}

func TestParseStopsWhenTold(t *testing.T) {
	for name := range fixtures {
		n := 0
		for range find(t, name).Parse(bytes.NewReader(fixture(t, name))) {
			n++
			break
		}
		if n != 1 {
			t.Errorf("%s: went on", name)
		}
	}
}

func TestParseReportsReadErrors(t *testing.T) {
	cause := errors.New("disk on fire")
	for r, err := range find(t, "aws").Parse(iotest.ErrReader(cause)) {
		if !errors.Is(err, cause) || r != (ipranges.Range{}) {
			t.Errorf("got %v, %v", r, err)
		}
	}
}

// fuzz checks what holds for any bytes: a range or an error, never both; ranges
// that are public, masked and labelled; and no file that is taken in part.
func fuzz(f *testing.F, name string) {
	raw := fixture(f, name)
	f.Add(raw)
	f.Add(raw[:len(raw)/2])
	f.Add([]byte("<html>"))
	f.Add([]byte(`{"prefixes": [{"ipv4Prefix": "0.0.0.0/0", "ip_prefix": "::/0"}], "ipv6_prefixes": [], "cloud": "Public", "values": [{}]}`))
	this := find(f, name)
	f.Fuzz(func(t *testing.T, raw []byte) {
		good, bad := parse(this, string(raw))
		for _, r := range good {
			if r.Prefix != r.Prefix.Masked() || r.Prefix.Addr().IsPrivate() || !r.Prefix.IsValid() {
				t.Errorf("took prefix %v", r.Prefix)
			}
			if l, err := ipranges.ParseLabel(r.Label.String()); err != nil || l != r.Label || l.Provider != name {
				t.Errorf("took label %q", r.Label)
			}
		}
		for _, err := range bad {
			if !strings.HasPrefix(err.Error(), name+": ") || strings.ContainsAny(err.Error(), "\x00\x1b\n") {
				t.Errorf("error %q", err)
			}
		}
		s, err := this.Read(raw)
		if err != nil && strings.HasPrefix(err.Error(), name+": names: ") {
			return // ranges without their names are not kept either
		}
		if (err == nil) != (len(bad) == 0) || err == nil && len(s.Ranges) != len(good) {
			t.Errorf("Read: %v, with %d ranges and %d errors", err, len(good), len(bad))
		}
	})
}

func FuzzAWS(f *testing.F)    { fuzz(f, "aws") }
func FuzzAzure(f *testing.F)  { fuzz(f, "azure") }
func FuzzGCP(f *testing.F)    { fuzz(f, "gcp") }
func FuzzGoogle(f *testing.F) { fuzz(f, "google") }

func FuzzAtlassian(f *testing.F)  { fuzz(f, "atlassian") }
func FuzzCloudflare(f *testing.F) { fuzz(f, "cloudflare") }
func FuzzFastly(f *testing.F)     { fuzz(f, "fastly") }
func FuzzGitHub(f *testing.F)     { fuzz(f, "github") }
func FuzzLinode(f *testing.F)     { fuzz(f, "linode") }
func FuzzM365(f *testing.F)       { fuzz(f, "m365") }
func FuzzOCI(f *testing.F)        { fuzz(f, "oci") }
