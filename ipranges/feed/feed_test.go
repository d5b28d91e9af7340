package feed_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tripline/ipranges"
	"tripline/ipranges/feed"
)

// fixtures are the small files in testdata/feed, by feed.
var fixtures = map[string]string{
	"anthropic": "anthropic-mini.txt", "atlassian": "atlassian-mini.json", "aws": "aws-mini.json", "azure": "azure-mini.json",
	"cloudflare": "cloudflare-mini.json", "digitalocean": "digitalocean-mini.csv", "fastly": "fastly-mini.json",
	"gcp": "gcp-mini.json", "github": "github-mini.json", "google": "goog-mini.json", "linode": "linode-mini.txt",
	"m365": "m365-mini.json", "oci": "oci-mini.json",
}

func fixture(tb testing.TB, name string) []byte {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "testdata", "feed", fixtures[name]))
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func find(tb testing.TB, name string) feed.Feed {
	tb.Helper()
	f, err := feed.Find(name)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

func read(tb testing.TB, name string) *feed.Snapshot {
	tb.Helper()
	s, err := find(tb, name).Read(fixture(tb, name))
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestFeedsAreSortedAndComplete(t *testing.T) {
	if !slices.IsSortedFunc(feed.All, func(a, b feed.Feed) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("All is not sorted by name")
	}
	for _, f := range feed.All {
		if f.Short == "" || strings.HasSuffix(f.Short, ".") || !strings.HasPrefix(f.URL, "https://") {
			t.Errorf("%s: Short %q, URL %q", f.Name, f.Short, f.URL)
		}
		if fixtures[f.Name] == "" {
			t.Errorf("%s has no file in testdata/feed", f.Name)
		}
	}
	if _, err := feed.Find("aswan"); err == nil || err.Error() != `no feed called "aswan", want anthropic, atlassian, aws, azure, cloudflare, digitalocean, fastly, gcp, github, google, linode, m365, oci` {
		t.Errorf("got %v", err)
	}
}

func TestLabelsOfTheFixtures(t *testing.T) {
	want := map[string][]string{
		"aws": {
			"aws/AMAZON/GLOBAL", "aws/AMAZON/eu-central-1", "aws/AMAZON/us-east-1", "aws/CLOUDFRONT/GLOBAL",
			"aws/DYNAMODB/us-east-1", "aws/EC2/eu-central-1", "aws/EC2/us-east-1", "aws/ROUTE53/GLOBAL",
			"aws/S3/GLOBAL", "aws/S3/eu-central-1", "aws/S3/us-east-1",
		},
		"azure": {
			"azure/AppService/centralfrance", "azure/AzureCloud", "azure/AzureCloud/eastus",
			"azure/AzureFrontDoor.Frontend", "azure/CognitiveServicesManagement", "azure/Storage", "azure/Storage/eastus",
		},
		"gcp":          {"gcp/cloud/africa-south1", "gcp/cloud/global", "gcp/cloud/us-central1"},
		"google":       {"google/services"},
		"anthropic":    {"anthropic"},
		"atlassian":    {"atlassian/bitbucket/global", "atlassian/jira/eu-west-1", "atlassian/jira/global"},
		"cloudflare":   {"cloudflare"},
		"digitalocean": {"digitalocean/cloud/NL", "digitalocean/cloud/NL-NH", "digitalocean/cloud/US-NJ"},
		"fastly":       {"fastly"},
		"github":       {"github/api", "github/copilot", "github/git", "github/packages", "github/pages", "github/web"},
		"linode":       {"linode/cloud/SG-04", "linode/cloud/US-TX"},
		"m365":         {"m365/Common", "m365/Exchange"},
		"oci":          {"oci/OBJECT_STORAGE/mx-monterrey-1", "oci/OCI/eu-frankfurt-1", "oci/OCI/mx-monterrey-1", "oci/OSN/mx-monterrey-1"},
	}
	for name := range fixtures {
		var got []string
		for _, l := range ipranges.NewTable(read(t, name).Ranges).All() {
			got = append(got, l.String())
		}
		if d := cmp.Diff(want[name], got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestEditions(t *testing.T) {
	want := map[string]feed.Edition{
		"aws":    {Published: time.Date(2026, 8, 22, 15, 17, 5, 0, time.UTC), Token: "1787411825"},
		"azure":  {Token: "370"},
		"gcp":    {Published: time.Date(2026, 8, 21, 1, 5, 42, 583377000, time.UTC), Token: "1787299542583"},
		"google": {Published: time.Date(2026, 8, 21, 1, 5, 42, 583377000, time.UTC), Token: "1787299542583"},

		"atlassian":  {Published: time.Date(2026, 6, 17, 4, 8, 46, 684598000, time.UTC), Token: "1781669326"},
		"cloudflare": {Token: "38f79d050aa027e3be3865e495dcc9bc"},
		"linode":     {Published: time.Date(2026, 7, 24, 10, 0, 6, 525037000, time.UTC)},
		"oci":        {Published: time.Date(2026, 7, 27, 6, 55, 33, 696145000, time.UTC)},
	}
	for name := range fixtures {
		if got := read(t, name).Edition; got != want[name] {
			t.Errorf("%s: got %v, want %v", name, got, want[name])
		}
	}
}

func TestDetect(t *testing.T) {
	for name := range fixtures {
		if name == "anthropic" || name == "digitalocean" || name == "linode" {
			continue // lists, which do not say whose they are
		}
		raw := fixture(t, name)
		got, err := feed.Detect(append([]byte("\xef\xbb\xbf"), raw[:min(4096, len(raw))]...))
		if err != nil || got.Name != name {
			t.Errorf("%s: got %q, %v", name, got.Name, err)
		}
	}
	for head, want := range map[string]string{
		"":                       "nothing in it",
		"<!DOCTYPE html><html>":  "a web page",
		"\x1f\x8b\x08rest":       "compressed by gzip",
		"network,asn":            `begins with "n"`,
		`{"web": ["192.0.2.1"]}`: "not a file of a known feed",
	} {
		if _, err := feed.Detect([]byte(head)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q in it", head, err, want)
		}
	}
}

func TestNormalisedContentIsTheSame(t *testing.T) {
	for name := range fixtures {
		s, raw := read(t, name), fixture(t, name)
		rewritten := bytes.ReplaceAll(bytes.TrimSpace(raw), []byte("\r\n"), []byte("\n"))
		other, err := find(t, name).Read(append([]byte("\xef\xbb\xbf"), rewritten...))
		if err != nil {
			t.Fatal(err)
		}
		if other.Content != s.Content || other.SHA256 == s.SHA256 {
			t.Errorf("%s: rewritten file has content %.8s and hash %.8s, want %.8s and another", name, other.Content, other.SHA256, s.Content)
		}
	}
	whole, halves := read(t, "gcp").Ranges, []ipranges.Range{}
	for _, r := range slices.Backward(whole) {
		for _, p := range split(r.Prefix) {
			halves = append(halves, ipranges.Range{Prefix: p, Label: r.Label})
		}
	}
	if feed.Content(whole) != feed.Content(halves) {
		t.Error("the same sets in halves and backward have another content")
	}
	if feed.Content(whole) == feed.Content(whole[1:]) {
		t.Error("a shorter list has the same content")
	}
}

func TestGoogleServicesAreWithoutTheCloud(t *testing.T) {
	all := map[string][]ipranges.Range{"google": read(t, "google").Ranges, "gcp": read(t, "gcp").Ranges}
	table := ipranges.NewTable(feed.Assemble(all))
	services, _ := table.Set(ipranges.Label{Provider: "google", Service: "services"})
	cloud, _ := table.Set(ipranges.Label{Provider: "gcp", Service: "cloud"})
	if both := services.Intersect(cloud); !both.IsEmpty() {
		t.Errorf("both Google's and rented: %v", both.Prefixes())
	}
	for a, want := range map[string]bool{
		"8.8.8.8": true, "142.250.72.106": true, "199.36.153.5": true, "199.36.153.11": true, "199.36.153.12": false,
		"34.72.0.1": false, "34.73.0.1": true, "34.8.0.1": false, "192.0.2.1": false, "2001:4860:4860::8888": true, "2600:1900:8000::1": false,
	} {
		if got := services.Contains(addr(a)); got != want {
			t.Errorf("google/services has %s: got %v, want %v", a, got, want)
		}
	}
	if labels := table.Labels(addr("34.72.0.1")); len(labels) != 1 || labels[0].String() != "gcp/cloud/us-central1" {
		t.Errorf("labels of a rented address: %v", labels)
	}
}

func TestGoogleWithoutTheCloudsListIsShared(t *testing.T) {
	table := ipranges.NewTable(feed.Assemble(map[string][]ipranges.Range{"google": read(t, "google").Ranges}))
	home, ok := table.Home(addr("8.8.8.8"))
	if !ok || home.String() != "google/goog" || !ipranges.Shared(home) {
		t.Errorf("got %v, %v, shared %v; want google/goog, shared", home, ok, ipranges.Shared(home))
	}
}

func TestAssembleKeepsTheOrderOfNames(t *testing.T) {
	all := map[string][]ipranges.Range{}
	for name := range fixtures {
		all[name] = read(t, name).Ranges
	}
	first := feed.Assemble(all)
	if d := cmp.Diff(first, feed.Assemble(all), prefixes); d != "" {
		t.Errorf("twice is not the same:\n%s", d)
	}
	if got := feed.Assemble(map[string][]ipranges.Range{}); got != nil {
		t.Errorf("nothing assembles to %v", got)
	}
}
