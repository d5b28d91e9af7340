package feed_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tripline/ipranges"
	"tripline/ipranges/feed"
)

// What calls others is no destination: taken for one, GitHub's machines alone
// would admit half of Azure.
func TestCallersAreNoDestinations(t *testing.T) {
	github := ipranges.NewTable(read(t, "github").Ranges)
	for _, a := range []string{"4.148.0.1", "20.42.11.17", "198.51.100.1"} {
		if got := github.Labels(addr(a)); got != nil {
			t.Errorf("%s is labelled %v", a, got)
		}
	}
	atlassian := ipranges.NewTable(read(t, "atlassian").Ranges)
	if got := atlassian.Labels(addr("52.82.172.1")); got != nil {
		t.Errorf("an egress address is labelled %v", got)
	}
	for _, name := range []string{"gptbot", "GPTBot.json", "/tmp/claudebot.json", "github/actions", "https://openai.com/searchbot.json", "hooks", "CLOUDFRONT_ORIGIN_FACING"} {
		if err := feed.Refused(name); err == nil || !strings.Contains(err.Error(), " lists no destinations: ") {
			t.Errorf("%s: got %v", name, err)
		}
		if _, err := feed.Find(name); err == nil {
			t.Errorf("%s is a feed", name)
		}
		if _, err := feed.Own(name); err == nil {
			t.Errorf("%s may be a list", name)
		}
	}
	for _, name := range []string{"github", "ip-ranges.json", "office", ""} {
		if err := feed.Refused(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// A file of service tags from which some are gone is not the whole one, even if
// its shape is right and nothing is known of the one before.
func TestServiceTagsWithoutTheUsualOnesAreRefused(t *testing.T) {
	for label, want := range map[string]string{
		"azure/AzureCloud": "4.156.0.1", "azure/AzureFrontDoor.Frontend": "13.107.213.1",
		"azure/Storage": "Storage", "azure/Storage/eastus": "Storage/eastus", "azure/AzureCloud/eastus": "AzureCloud/eastus",
		"azure/AppService/centralfrance": "", "azure/CognitiveServicesManagement": "",
	} {
		l, err := ipranges.ParseLabel(label)
		if err != nil {
			t.Fatal(err)
		}
		s := read(t, "azure")
		s.Ranges = slices.DeleteFunc(s.Ranges, func(r ipranges.Range) bool { return l.Covers(r.Label) })
		if err := s.Plausible(0); (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), "azure: "+want+" is missing") {
			t.Errorf("without %s: got %v, want %q to be missing", label, err, want)
		}
	}
}

// A crawler's list has Google's schema, so it takes more than the schema to be
// Google's.
func TestACrawlersListIsNotGoogles(t *testing.T) {
	s, err := find(t, "google").Read([]byte(`{"creationTime": "2026-10-07T00:00:00Z", "prefixes": [{"ipv4Prefix": "203.0.113.0/24"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := "google: 8.8.8.8 is missing, which every list of google holds: not plausible"
	if err := s.Plausible(0); err == nil || err.Error() != strings.Replace(want, "holds", "has", 1) {
		t.Errorf("got %v", err)
	}
	for name := range fixtures {
		if err := read(t, name).Plausible(0); err != nil {
			t.Error(err)
		}
	}
}

func TestNames(t *testing.T) {
	for host, want := range map[string]string{
		"outlook.office.com": "m365/Exchange", "OUTLOOK.OFFICE.COM.": "m365/Exchange", "a.b.outlook.com": "m365/Exchange",
		"outlook.com": "", "autodiscover.example.onmicrosoft.com": "m365/Exchange", "xcdn.example.net": "m365/Common",
		"cdn.example.net": "", "evil-outlook.office.com.example": "", "api.github.com": "github/web", "containers.pkg.github.com": "github/packages github/web",
		"x.actions.githubusercontent.com": "github/web",
	} {
		var got []string
		for _, n := range append(read(t, "github").Names, read(t, "m365").Names...) {
			if n.Matches(host) {
				got = append(got, n.Label.String())
			}
		}
		if text := strings.Join(got, " "); text != want && text != reversed(want) {
			t.Errorf("%s: got %q, want %q", host, text, want)
		}
	}
	f := find(t, "m365")
	names, err := f.Names(fixture(t, "m365"))
	if d := cmp.Diff(read(t, "m365").Names, names); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
	if names, err := find(t, "aws").Names(fixture(t, "aws")); names != nil || err != nil {
		t.Errorf("aws: %v, %v", names, err)
	}
}

func reversed(s string) string {
	a, b, ok := strings.Cut(s, " ")
	if !ok {
		return s
	}
	return b + " " + a
}

func TestHostileNamesAreRefused(t *testing.T) {
	for _, bad := range []string{"", "nodots", "a b.example", `x\u001b.example`, "-x.example\\n", "*.*.*.*.example", "é.example"} {
		raw := `[{"serviceArea": "A", "ips": ["192.0.2.0/24"], "urls": ["` + bad + `"]}]`
		s, err := find(t, "m365").Read([]byte(raw))
		if err == nil || s != nil || !strings.HasPrefix(err.Error(), "m365: names: invalid name ") || strings.ContainsAny(err.Error(), "\x1b\n") {
			t.Errorf("%q: got %v", bad, err)
		}
	}
}

func TestOwnLists(t *testing.T) {
	f, err := feed.Own("office-vpn")
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Read([]byte("\xef\xbb\xbf192.0.2.0/24\r\n\r\n# the new one\r\n198.51.100.7 # a host\r\n2001:db8::/48,DE,DE-BE,Berlin,\r\n203.0.113.0/24,,,,\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range s.Ranges {
		got[r.Prefix.String()] = r.Label.String()
	}
	want := map[string]string{
		"192.0.2.0/24": "office-vpn", "198.51.100.7/32": "office-vpn", "2001:db8::/48": "office-vpn/geo/DE-BE", "203.0.113.0/24": "office-vpn/geo",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if err := s.Plausible(4); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]string{
		"aws": "there is a feed of that name", "AWS": "there is a feed of that name", "": "want a name", "a/b": "want a name", "asn": "that is the AS database",
		strings.Repeat("a", 41): "want a name", "gptbot": "lists no destinations",
	} {
		if _, err := feed.Own(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q in it", name, err, want)
		}
	}
}

func TestBuiltinListsAreWholeAndDated(t *testing.T) {
	want := map[string]uint64{"anthropic": 512, "cloudflare": 1524736, "fastly": 304128, "github": 10300}
	for _, f := range feed.All {
		s, ok := f.Builtin()
		if ok != (want[f.Name] != 0) {
			t.Errorf("%s: builtin %v", f.Name, ok)
		}
		if !ok {
			continue
		}
		set, _ := ipranges.NewTable(s.Ranges).Set(ipranges.Label{Provider: f.Name})
		if got := set.Exposure(); got.V4 != want[f.Name] || got.V6 == 0 || s.Published.IsZero() || s.SHA256 == "" {
			t.Errorf("%s: admits %v, of %v", f.Name, got, s.Published)
		}
		if err := s.Plausible(0); err != nil {
			t.Error(err)
		}
	}
}

func TestFixedFeedsAreNotFetched(t *testing.T) {
	if _, err := feed.Fetch(t.Context(), http.DefaultClient, find(t, "anthropic"), feed.Validators{}); !errors.Is(err, feed.ErrFixed) {
		t.Errorf("got %v", err)
	}
}

// An address that Google announces as its cloud's is rented, or will be.
func TestGoogleServicesAreWithoutTheCloudsAS(t *testing.T) {
	all := map[string]*ipranges.List{"google": list(t, "google"), "gcp": list(t, "gcp")}
	space := feed.Space(all, asns{396982: ipranges.NewSet(netip.MustParsePrefix("34.73.0.0/16"))})
	services, _ := space.Table.Set(ipranges.Label{Provider: "google", Service: "services"})
	for a, want := range map[string]bool{"34.73.0.1": false, "34.74.0.1": true, "8.8.8.8": true, "199.36.153.5": true} {
		if got := services.Contains(addr(a)); got != want {
			t.Errorf("google/services has %s: got %v, want %v", a, got, want)
		}
	}
}

// list reads a fixture as one that is stored.
func list(t *testing.T, name string) *ipranges.List {
	t.Helper()
	l, err := find(t, name).List(fixture(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// asns is what systems announce.
type asns map[uint32]ipranges.Set

func (asns) AS(netip.Addr) (ipranges.AS, bool) { return ipranges.AS{}, false }

func (a asns) Announced(n uint32) ipranges.Set { return a[n] }

// Half of Azure's services are published without a region; which one it is
// follows from where the region's addresses are.
func TestAzureServicesWithoutRegionsGetTheRegionTheyAreIn(t *testing.T) {
	tag := func(name, region, prefix string) string {
		return `{"name": "` + name + `", "properties": {"region": "` + region + `", "addressPrefixes": ["` + prefix + `"]}}`
	}
	s, err := find(t, "azure").Read([]byte(`{"cloud": "Public", "values": [` + strings.Join([]string{
		tag("AzureCloud.eastus", "eastus", "192.0.2.0/25"), tag("AzureCloud.westus", "westus", "192.0.2.128/25"), tag("AzureCloud", "", "192.0.2.0/24"),
		tag("Models", "", "192.0.2.0/30"), tag("Wide", "", "192.0.2.0/24"), tag("Outside", "", "198.51.100.0/24"),
		tag("Storage", "", "192.0.2.0/28"), tag("Storage.EastUS", "eastus", "192.0.2.0/29"),
	}, ",") + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	table := ipranges.NewTable(feed.Assemble(map[string][]ipranges.Range{"azure": s.Ranges}))
	for text, want := range map[string]uint64{
		"azure/Models": 4, "azure/Models/eastus": 4, "azure/Models/westus": 0, "azure/Wide": 256, "azure/Wide/eastus": 128, "azure/Wide/westus": 128,
		"azure/Outside": 256, "azure/Outside/eastus": 0, "azure/Storage": 16, "azure/Storage/eastus": 8, "azure/AzureCloud": 256,
	} {
		l, err := ipranges.ParseLabel(text)
		if err != nil {
			t.Fatal(err)
		}
		if set, _ := table.Set(l); set.Exposure().V4 != want {
			t.Errorf("%s admits %v, want %d", text, set.Exposure(), want)
		}
	}
}

// The API is tried first; what stands in for it is two lists.
func TestCloudflaresListsStandInForItsAPI(t *testing.T) {
	mux := http.NewServeMux()
	s := httptest.NewServer(mux)
	defer s.Close()
	mux.HandleFunc("/api", func(w http.ResponseWriter, _ *http.Request) { put(t, w, []byte(`{"success": false}`)) })
	mux.HandleFunc("/v4", func(w http.ResponseWriter, _ *http.Request) { put(t, w, []byte("104.16.0.0/13\n172.64.0.0/13")) })
	mux.HandleFunc("/v6", func(w http.ResponseWriter, _ *http.Request) { put(t, w, []byte("2606:4700::/32")) })
	f := feed.Moved(find(t, "cloudflare"), s.URL+"/api", s.URL+"/v4", s.URL+"/v6")
	got, err := feed.Fetch(t.Context(), s.Client(), f, feed.Validators{})
	if err != nil || len(got.Ranges) != 3 || got.URL != s.URL+"/v4" {
		t.Errorf("got %v, %v", got, err)
	}
	f = feed.Moved(f, s.URL+"/api", s.URL+"/v4", s.URL+"/gone")
	if _, err := feed.Fetch(t.Context(), s.Client(), f, feed.Validators{}); err == nil || !strings.Contains(err.Error(), `"success" is not true`) || !strings.Contains(err.Error(), "status 404") {
		t.Errorf("got %v, want both errors", err)
	}
}

func TestM365IsAskedWithAnIdentifierOfItsOwn(t *testing.T) {
	var ids []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ids = append(ids, r.URL.Query().Get("clientrequestid"))
		put(t, w, fixture(t, "m365"))
	}))
	defer s.Close()
	f := find(t, "m365")
	f.URL = s.URL + "/endpoints/worldwide"
	for range 2 {
		got, err := feed.Fetch(t.Context(), s.Client(), f, feed.Validators{})
		if err != nil || got.URL != f.URL {
			t.Fatalf("got %v, %v", got, err)
		}
	}
	if len(ids[0]) != 36 || ids[0] == ids[1] || ids[0][14] != '4' {
		t.Errorf("identifiers %q, want two random ones", ids)
	}
}

func TestPersistTriesAgainOnlyWhatMayPass(t *testing.T) {
	for status, want := range map[int]int32{500: 3, 429: 3, 404: 1, 304: 1} {
		var asked atomic.Int32
		f, client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			asked.Add(1)
			w.WriteHeader(status)
		})
		if _, err := feed.Patient(t.Context(), client, f, time.Microsecond); err == nil || asked.Load() != want {
			t.Errorf("status %d: asked %d times, want %d: %v", status, asked.Load(), want, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	f, client := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	start := time.Now()
	if _, err := feed.Persist(ctx, client, f, feed.Validators{}); err == nil || time.Since(start) > 400*time.Millisecond {
		t.Errorf("waited %v for what cannot come in time: %v", time.Since(start), err)
	}
}
