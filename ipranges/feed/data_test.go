package feed_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"tripline/ipranges"
	"tripline/ipranges/feed"
)

// published are whole files as the providers published them. They are not part
// of the project: tests that want them skip themselves where they are absent.
var published = map[string]string{
	"aws":    "aws/ip-ranges-2026-08-22.json",
	"azure":  "azure/ServiceTags_Public_2026-06-26.reassembled.json",
	"gcp":    "gcp/cloud-2026-08-21.json",
	"google": "gcp/goog-2026-08-21.json",

	"atlassian": "other/atlassian-ip-ranges.json", "cloudflare": "cdn/cloudflare-ips-v4.txt", "digitalocean": "other/digitalocean-google.csv",
	"fastly": "cdn/fastly-public-ip-list-2025-07.json", "github": "cdn/github-meta-2025-07.json", "linode": "other/linode-geofeed.txt",
	"m365": "other/m365-endpoints-worldwide.json", "oci": "other/oci_public_ip_ranges.json",
}

func whole(tb testing.TB, path string) []byte {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", "feeds", path))
	if os.IsNotExist(err) {
		tb.Skipf("no published files here: %v", err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// everything reads all published files.
func everything(tb testing.TB) []ipranges.Range {
	tb.Helper()
	all := map[string][]ipranges.Range{}
	for name, path := range published {
		s, err := find(tb, name).Read(whole(tb, path))
		if err != nil {
			tb.Fatal(err)
		}
		all[name] = s.Ranges
	}
	return feed.Assemble(all)
}

// big are the feeds that most time and memory goes to.
func big(tb testing.TB) map[string][]byte {
	tb.Helper()
	raws := map[string][]byte{}
	for _, name := range []string{"aws", "azure", "gcp", "google"} {
		raws[name] = whole(tb, published[name])
	}
	return raws
}

// The figures were computed independently of this code, from the files named
// above.
func TestPublishedFigures(t *testing.T) {
	table := ipranges.NewTable(everything(t))
	for text, want := range map[string]uint64{
		"aws":                               101846148,
		"aws/AMAZON":                        101846148,
		"aws/EC2":                           79882301,
		"aws/EC2/us-east-1":                 21518496,
		"aws/S3":                            659904,
		"aws/S3/us-east-1":                  307744,
		"aws/CLOUDFRONT":                    4224645,
		"aws/CLOUDFRONT/GLOBAL":             4199808,
		"aws/API_GATEWAY":                   92320,
		"gcp/cloud":                         19091840,
		"gcp/cloud/us-central1":             5094656,
		"google/services":                   3088000 + 8, // and the two VIP networks
		"azure/AzureCloud":                  49949043,
		"azure/AzureCloud/eastus":           4896904,
		"azure/Storage":                     563553,
		"azure/Storage/eastus":              37568,
		"azure/AzureFrontDoor.Frontend":     9680,
		"azure/CognitiveServicesManagement": 29226,

		"azure/CognitiveServicesManagement/eastus":        773,
		"azure/CognitiveServicesManagement/swedencentral": 499,
		"cloudflare": 1524736,
		"fastly":     304128,
		"oci":        4295690,
	} {
		l, err := ipranges.ParseLabel(text)
		if err != nil {
			t.Fatal(err)
		}
		set, ok := table.Set(l)
		if got := set.Exposure().V4; got != want || !ok {
			t.Errorf("%s: got %d IPv4 addresses, want %d", text, got, want)
		}
	}
}

func TestPublishedHomes(t *testing.T) {
	table := ipranges.NewTable(everything(t))
	for a, want := range map[string]string{
		"52.216.10.1": "aws/S3/us-east-1", "3.5.0.1": "aws/S3/us-east-1", "44.208.254.194": "aws/EC2/us-east-1",
		"18.164.174.23": "aws/CLOUDFRONT/GLOBAL", "142.250.72.106": "google/services", "34.72.0.1": "gcp/cloud/us-central1",
		"8.8.8.8": "google/services", "160.79.104.10": "", "2600:1ff8:2c00::1": "aws/S3/us-east-1",
	} {
		got, _ := table.Home(addr(a))
		if got.String() != want {
			t.Errorf("%s: got %q, want %q, labels %v", a, got, want, table.Labels(addr(a)))
		}
	}
}

// Publishing again without a change, which some do daily, is not a change.
func TestPublishedContentOnlyChangesWithTheAddresses(t *testing.T) {
	then, err := find(t, "aws").Read(whole(t, "aws/ip-ranges-2026-05-29.json"))
	if err != nil {
		t.Fatal(err)
	}
	now, err := find(t, "aws").Read(whole(t, published["aws"]))
	if err != nil {
		t.Fatal(err)
	}
	if then.Content == now.Content || !then.Published.Before(now.Published) {
		t.Errorf("May %.8s of %v, August %.8s of %v", then.Content, then.Published, now.Content, now.Published)
	}
	if err := now.Plausible(len(then.Ranges)); err != nil {
		t.Error(err)
	}
}

func BenchmarkRead(b *testing.B) {
	for _, f := range feed.All {
		if published[f.Name] == "" {
			continue // what it publishes is a page; its list came with the program
		}
		b.Run(f.Name, func(b *testing.B) {
			raw := whole(b, published[f.Name])
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.Read(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkNewTable(b *testing.B) {
	ranges := everything(b)
	b.ReportAllocs()
	for b.Loop() {
		ipranges.NewTable(ranges)
	}
}

// addresses of S3, EC2, CloudFront, Google, Google Cloud, and of nobody.
var addresses = []netip.Addr{
	addr("52.216.10.1"), addr("44.208.254.194"), addr("18.164.174.23"), addr("142.250.72.106"),
	addr("34.72.0.1"), addr("192.0.2.1"), addr("2600:1ff8:2c00::1"), addr("20.38.98.1"),
}

func BenchmarkLabels(b *testing.B) {
	table := ipranges.NewTable(everything(b))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		table.Labels(addresses[i%len(addresses)])
		i++
	}
}

func BenchmarkHome(b *testing.B) {
	table := ipranges.NewTable(everything(b))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		table.Home(addresses[i%len(addresses)])
		i++
	}
}

func BenchmarkSet(b *testing.B) {
	table := ipranges.NewTable(everything(b))
	l := ipranges.Label{Provider: "aws", Service: "S3", Region: "us-east-1"}
	p := netip.MustParsePrefix("52.216.0.0/16")
	b.ReportAllocs()
	for b.Loop() {
		set, _ := table.Set(l)
		set.Within(p)
	}
}
