package ipranges_test

import (
	"cmp"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"tripline/ipranges"
)

func label(tb testing.TB, s string) ipranges.Label {
	tb.Helper()
	l, err := ipranges.ParseLabel(s)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

func table(tb testing.TB, rows ...string) *ipranges.Table {
	tb.Helper()
	var ranges []ipranges.Range
	for _, row := range rows {
		p, l, _ := strings.Cut(row, " ")
		ranges = append(ranges, ipranges.Range{Prefix: netip.MustParsePrefix(p), Label: label(tb, l)})
	}
	return ipranges.NewTable(ranges)
}

// slow is a table without any structure.
type slow []ipranges.Range

func (s slow) set(l ipranges.Label) ipranges.Set {
	var ps []netip.Prefix
	for _, r := range s {
		if l.Covers(r.Label) {
			ps = append(ps, r.Prefix)
		}
	}
	return ipranges.NewSet(ps...)
}

func (s slow) labels(a netip.Addr) []ipranges.Label {
	var out []ipranges.Label
	for _, r := range s {
		if r.Prefix.Contains(a) && !slices.Contains(out, r.Label) {
			out = append(out, r.Label)
		}
	}
	size := func(l ipranges.Label) uint64 {
		if x := s.set(l).Exposure(); a.Is4() {
			return x.V4
		}
		return s.set(l).Exposure().V6
	}
	slices.SortFunc(out, func(l, m ipranges.Label) int { return cmp.Or(cmp.Compare(size(l), size(m)), l.Compare(m)) })
	return out
}

func TestTableAnswersLikeItsTwin(t *testing.T) {
	names := []string{"aws/AMAZON/a", "aws/AMAZON/b", "aws/S3/a", "aws/S3/b", "aws/EC2/a", "azure/Storage", "azure/Storage/a", "azure/AzureCloud", "google/services", "x"}
	r := rand.New(rand.NewPCG(3, 4))
	us := universes()
	for range 200 {
		var twin slow
		for range r.IntN(30) {
			twin = append(twin, ipranges.Range{Prefix: us[r.IntN(2)].draw(r), Label: label(t, names[r.IntN(len(names))])})
		}
		tab := ipranges.NewTable(twin)
		for range 20 {
			a := us[r.IntN(2)].draw(r).Addr()
			if d := gocmp.Diff(twin.labels(a), tab.Labels(a)); d != "" {
				t.Fatalf("labels of %v in %v (-want +got):\n%s", a, twin, d)
			}
		}
		for _, name := range append(names, "aws", "aws/S3", "azure", "AWS/s3/A", "absent") {
			l := label(t, name)
			want := twin.set(l)
			got, ok := tab.Set(l)
			if !got.Equal(want) || ok != slices.ContainsFunc(twin, func(r ipranges.Range) bool { return l.Covers(r.Label) }) {
				t.Fatalf("set of %s: got %v, %v; want %v", name, got.Prefixes(), ok, want.Prefixes())
			}
		}
	}
}

func TestEqualRangesGiveEqualTables(t *testing.T) {
	rows := []string{"192.0.2.0/24 aws/s3/us", "192.0.2.0/25 aws/S3/us", "192.0.2.0/24 aws/EC2/us", "192.0.2.0/24 aws/S3/us"}
	a := table(t, rows...)
	slices.Reverse(rows)
	b := table(t, rows...)
	if d := gocmp.Diff(a.All(), b.All()); d != "" {
		t.Error(d)
	}
	if got := a.Labels(netip.MustParseAddr("192.0.2.1")); len(got) != 2 || got[1].String() != "aws/S3/us" {
		t.Errorf("got %v, want two labels, one spelling each", got)
	}
}

func TestHomeIsTheSmallestThatIsNoCatchAll(t *testing.T) {
	tab := table(t,
		"192.0.2.0/30 aws/AMAZON/x", "192.0.2.0/24 aws/S3/x", "192.0.0.0/16 aws/EC2/x", "198.51.100.0/24 aws/AMAZON/x",
		"203.0.113.0/24 azure/AzureCloud", "203.0.113.0/26 azure/AzureCloud/y", "203.0.113.0/25 azure/Storage/y",
		"2001:db8::/32 aws/AMAZON/x", "2001:db8:1::/48 aws/S3/x")
	for a, want := range map[string]string{
		"192.0.2.1": "aws/S3/x", "192.0.2.200": "aws/S3/x", "192.0.9.9": "aws/EC2/x", "198.51.100.1": "aws/AMAZON/x",
		"203.0.113.1": "azure/Storage/y", "203.0.113.200": "azure/AzureCloud", "2001:db8:1::1": "aws/S3/x", "2001:db8:2::1": "aws/AMAZON/x",
		"::ffff:192.0.2.1": "aws/S3/x", "233.252.0.1": "",
	} {
		got, ok := tab.Home(netip.MustParseAddr(a))
		if ok != (want != "") || got.String() != want {
			t.Errorf("home of %s: got %q, %v; want %q", a, got, ok, want)
		}
	}
}

func TestPublishedRangesLongestFirst(t *testing.T) {
	tab := table(t, "192.0.2.0/24 aws/S3/x", "192.0.0.0/16 aws/EC2/x", "192.0.2.0/24 aws/AMAZON/x", "192.0.2.128/25 aws/S3/x")
	var got []string
	for _, r := range tab.Published(netip.MustParseAddr("192.0.2.200")) {
		got = append(got, r.Prefix.String()+" "+r.Label.String())
	}
	want := []string{"192.0.2.128/25 aws/S3/x", "192.0.2.0/24 aws/AMAZON/x", "192.0.2.0/24 aws/S3/x", "192.0.0.0/16 aws/EC2/x"}
	if d := gocmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestEntriesAreAllWithTheirSets(t *testing.T) {
	tab := table(t, "192.0.2.0/24 aws/S3/x", "192.0.2.0/25 azure/Storage/y", "198.51.100.0/24 azure/Storage")
	var got []string
	for l, s := range tab.Entries() {
		got = append(got, l.String()+" "+s.Exposure().String())
	}
	if d := gocmp.Diff([]string{"aws/S3/x 256", "azure/Storage 384", "azure/Storage/y 128"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for range tab.Entries() {
		break
	}
}

func TestNilAndEmptyTablesKnowNothing(t *testing.T) {
	a := netip.MustParseAddr("192.0.2.1")
	for _, tab := range []*ipranges.Table{nil, ipranges.NewTable(nil), ipranges.NewTable([]ipranges.Range{{}})} {
		_, home := tab.Home(a)
		_, set := tab.Set(ipranges.Label{Provider: "aws"})
		if home || set || tab.Labels(a) != nil || tab.Published(a) != nil || len(tab.All()) != 0 {
			t.Errorf("%v knows something", tab)
		}
		for l := range tab.Entries() {
			t.Errorf("entry %v", l)
		}
		tab.Labels(netip.Addr{})
	}
}

// Where only callers are published, there is nothing to fold to.
func TestCallersAreNoHome(t *testing.T) {
	tab := table(t, "192.0.2.0/30 aws/CLOUDFRONT_ORIGIN_FACING/GLOBAL", "192.0.2.0/24 aws/CLOUDFRONT/GLOBAL",
		"198.51.100.0/24 aws/EC2_INSTANCE_CONNECT/x", "198.51.100.0/24 aws/AMAZON/x", "203.0.113.0/24 azure/ActionGroup/y")
	for a, want := range map[string]string{"192.0.2.1": "aws/CLOUDFRONT/GLOBAL", "198.51.100.1": "aws/AMAZON/x", "203.0.113.1": ""} {
		if got, ok := tab.Home(netip.MustParseAddr(a)); got.String() != want || ok != (want != "") {
			t.Errorf("home of %s: got %q, %v; want %q", a, got, ok, want)
		}
	}
	for text, want := range map[string]bool{
		"aws/CLOUDFRONT_ORIGIN_FACING/GLOBAL": true, "aws/ROUTE53_HEALTHCHECKS_PUBLISHING/us-east-1": true, "AWS/ec2_instance_connect": true,
		"azure/AzureFrontDoor.Backend": true, "github/actions": true, "aws": false, "aws/ROUTE53": false, "aws/CLOUDFRONT": false,
		"azure/AzureFrontDoor.Frontend/eastus": false, "github/api": false, "own/hooks": false,
	} {
		if got := ipranges.Inbound(label(t, text)); got != want {
			t.Errorf("%s calls in: got %v, want %v", text, got, want)
		}
	}
}

// One machine serves all of them; the one with the shortest list is no name for
// it.
func TestHomeIsTheServiceAPersonWouldName(t *testing.T) {
	tab := table(t, "192.0.2.0/24 github/web", "192.0.2.0/24 github/api", "192.0.2.0/25 github/copilot", "192.0.2.7/32 github/pages",
		"198.51.100.0/24 github/git")
	for a, want := range map[string]string{"192.0.2.1": "github/web", "192.0.2.200": "github/web", "192.0.2.7": "github/pages", "198.51.100.1": "github/git"} {
		if got, _ := tab.Home(netip.MustParseAddr(a)); got.String() != want {
			t.Errorf("home of %s: got %q, want %q", a, got, want)
		}
	}
}

func TestShared(t *testing.T) {
	for text, want := range map[string]bool{
		"aws": true, "aws/EC2/us-east-1": true, "aws/S3": true, "aws/CLOUDFRONT/GLOBAL": true, "aws/AMAZON": true, "AWS/s3": true,
		"aws/CHIME_MEETINGS": true, "gcp/cloud/us-central1": true, "azure/AzureCloud/eastus": true, "azure/Storage/eastus": true,
		"azure/AzureFrontDoor.Frontend": true, "cloudflare": true, "fastly": true, "google/goog": true, "unheard/of": true,
		"anthropic": false, "github/web": false, "github/pages": true, "oci/OBJECT_STORAGE/x": true, "m365/Common": false, "m365/Exchange": true, "google/services": false, "google": false, "azure/CognitiveServicesManagement": false,
		"azure/CognitiveServicesFrontend/eastus": false,
	} {
		l := label(t, text)
		if ipranges.Shared(l) != want || (ipranges.SharedBecause(l) != "") != want {
			t.Errorf("%s: shared %v because %q, want %v", text, !want, ipranges.SharedBecause(l), want)
		}
	}
}

func FuzzParseLabel(f *testing.F) {
	for _, s := range []string{"aws/S3/us-east-1", "anthropic", "a//b", "a/b/c/d", "\x1b[2J", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l, err := ipranges.ParseLabel(s)
		if err != nil {
			if l != (ipranges.Label{}) {
				t.Errorf("%q: a label and an error", s)
			}
			return
		}
		if l.String() != s || !l.Covers(l) {
			t.Errorf("%q reads as %q", s, l)
		}
		if up, ok := l.Parent(); ok && (!up.Covers(l) || l.Covers(up)) {
			t.Errorf("%q is not above %q", up, l)
		}
	})
}

func FuzzSet(f *testing.F) {
	f.Add([]byte{10, 0, 0, 0, 8, 192, 0, 2, 0, 24})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var ps []netip.Prefix
		for ; len(raw) >= 5; raw = raw[5:] {
			ps = append(ps, netip.PrefixFrom(netip.AddrFrom4([4]byte(raw)), int(raw[4]%33)))
		}
		s := ipranges.NewSet(ps...)
		var n uint64
		for _, p := range s.Prefixes() {
			n += 1 << (32 - p.Bits())
		}
		if got := s.Exposure().V4; got != n {
			t.Errorf("%v: exposure %d, want %d", ps, got, n)
		}
		for _, p := range ps {
			if got := s.Within(p); got != 1<<(32-p.Bits()) {
				t.Errorf("%v: %d of %v", ps, got, p)
			}
		}
	})
}

// Unions are computed when first wanted, by whoever wants them first.
func TestTableIsSafeForConcurrentUse(t *testing.T) {
	tab := table(t, "192.0.2.0/24 aws/S3/x", "192.0.2.0/25 aws/EC2/x", "192.0.0.0/16 aws/AMAZON/x")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			home, _ := tab.Home(netip.MustParseAddr("192.0.2.1"))
			set, ok := tab.Set(ipranges.Label{Provider: "AWS"})
			if home.String() != "aws/EC2/x" || !ok || set.Exposure().V4 != 1<<16 {
				t.Errorf("got %v and %v", home, set.Exposure())
			}
		})
	}
	wg.Wait()
}
