package mmdb_test

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"

	"tripline/ipranges"
	"tripline/ipranges/mmdb"
)

var _ ipranges.ASNs = (*mmdb.DB)(nil)

// shared is data that is not part of the project. Tests that want it skip
// themselves where it is absent.
var shared = filepath.Join("..", "..", "..", "shared", "data")

func load(tb testing.TB, path string) []byte {
	tb.Helper()
	raw, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		tb.Skipf("%s is not here", path)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func fixture(tb testing.TB) []byte {
	tb.Helper()
	return testdata(tb, "asn-test.mmdb")
}

func testdata(tb testing.TB, name string) []byte {
	tb.Helper()
	return load(tb, filepath.Join("..", "..", "testdata", "mmdb", name))
}

func open(tb testing.TB, raw []byte) *mmdb.DB {
	tb.Helper()
	db, err := mmdb.Open(raw)
	if err != nil {
		tb.Fatal(err)
	}
	return db
}

func TestAS(t *testing.T) {
	db := open(t, fixture(t))
	tests := []struct {
		addr   string
		number uint32
		org    string
		prefix string
	}{
		{"192.0.2.1", 64496, "Example Transit", "192.0.2.0/24"},
		{"::ffff:192.0.2.1", 64496, "Example Transit", "192.0.2.0/24"},
		{"203.0.113.127", 64498, "Example Cloud", "203.0.113.0/25"},
		{"203.0.113.128", 64499, "Evil\x1b[2J\nCorp \u202egnp.exe", "203.0.113.128/25"},
		{"2001:db8::1", 64496, "Example Transit", "2001:db8::/33"},
		{"2001:db8:8000::1", 64511, "Example Six", "2001:db8:8000::/33"},
		{"104.18.6.192", 13335, "Cloudflare, Inc.", "104.16.0.0/13"},
		{"198.51.100.255", 0, "", ""}, // AS 0
		{"198.18.0.1", 0, "", ""},
		{"2001:db9::1", 0, "", ""},
	}
	for range 2 { // the second time from memory
		for _, tt := range tests {
			as, ok := db.AS(netip.MustParseAddr(tt.addr))
			if ok != (tt.number != 0) || as.Number != tt.number || as.Org != tt.org {
				t.Errorf("%s: got %v, %v; want AS%d %q", tt.addr, as, ok, tt.number, tt.org)
			}
			if ok && as.Prefix.String() != tt.prefix {
				t.Errorf("%s: got prefix %v, want %s", tt.addr, as.Prefix, tt.prefix)
			}
		}
	}
	if as, ok := db.AS(netip.Addr{}); ok {
		t.Errorf("the zero address is announced by %v", as)
	}
}

func TestAnnouncedIsWhatASSays(t *testing.T) {
	db := open(t, fixture(t))
	want := map[uint32]string{
		64496: "192.0.2.0/24 2001:db8::/33",
		64498: "203.0.113.0/25",
		13335: "104.16.0.0/13 162.158.0.0/15 172.64.0.0/13",
	}
	for number, prefixes := range want {
		var got []string
		for _, p := range db.Announced(number).Prefixes() {
			got = append(got, p.String())
		}
		if strings.Join(got, " ") != prefixes {
			t.Errorf("AS%d: got %v, want %s", number, got, prefixes)
		}
	}
	if n := db.Announced(64497).Exposure().V4; n != 255 {
		t.Errorf("AS64497 announces %d addresses, want 255: one is taken out", n)
	}
	for _, number := range []uint32{0, 64510} {
		if !db.Announced(number).IsEmpty() {
			t.Errorf("AS%d announces something", number)
		}
	}
}

// Some publishers write numbers as text, and some have IPv4 alone.
func TestNumbersAsTextAndIPv4Alone(t *testing.T) {
	db, want := open(t, testdata(t, "asn-text-test.mmdb")), open(t, fixture(t))
	for _, s := range []string{"192.0.2.1", "::ffff:192.0.2.1", "203.0.113.200", "198.51.100.255", "52.216.10.1", "233.252.0.1"} {
		got, ok := db.AS(netip.MustParseAddr(s))
		wantAS, wantOK := want.AS(netip.MustParseAddr(s))
		if got != wantAS || ok != wantOK {
			t.Errorf("%s: got %v, %v; want %v, %v", s, got, ok, wantAS, wantOK)
		}
	}
	if as, ok := db.AS(netip.MustParseAddr("2001:db8::1")); ok {
		t.Errorf("an IPv6 address is announced by %v", as)
	}
	if got := db.Announced(13335); !got.Equal(want.Announced(13335)) {
		t.Errorf("AS13335 announces %v", got.Prefixes())
	}
	if err := db.Verify(); err != nil {
		t.Error(err)
	}
}

func TestMetadata(t *testing.T) {
	db := open(t, fixture(t))
	if err := db.Verify(); err != nil {
		t.Error(err)
	}
	if got, want := db.Built(), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("built: got %v, want %v", got, want)
	}
	if got := db.Networks(); got != 24 {
		t.Errorf("networks: got %d, want 24", got)
	}
	if got := db.Type(); got != "Tripline-Test-ASN" {
		t.Errorf("type: got %q", got)
	}
}

func TestOpenRefuses(t *testing.T) {
	good := fixture(t)
	tests := []struct {
		name string
		raw  []byte
		want string
	}{
		{"empty", nil, "nothing in it"},
		{"a web page", []byte("\n<!DOCTYPE html>"), "a web page"},
		{"gzip", []byte("\x1f\x8b\x08\x00"), "compressed by gzip"},
		{"text", []byte("network,asn\n"), "not a whole MaxMind database"},
		{"half", good[:len(good)/2], "not a whole MaxMind database"},
		{"without its head", good[len(good)/2:], ""},
		{"one byte short", good[:len(good)-1], ""},
	}
	for _, tt := range tests {
		db, err := mmdb.Open(tt.raw)
		if err == nil || db != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q in it", tt.name, err, tt.want)
		}
	}
}

// Bytes that changed may go unnoticed until Verify. Nothing may panic, hang or
// answer with a network that does not hold the address.
func TestDamageNeverPanics(t *testing.T) {
	good := fixture(t)
	for i := range good {
		raw := bytes.Clone(good)
		raw[i] ^= 1 << (i % 8)
		probe(t, raw)
	}
}

// probe asks everything of a database, whatever it is.
func probe(t *testing.T, raw []byte) (opened, whole bool) {
	t.Helper()
	db, err := mmdb.Open(raw)
	if err != nil {
		return false, false
	}
	for _, s := range []string{"192.0.2.1", "203.0.113.200", "1.1.1.1", "255.255.255.255", "2001:db8::1", "::1", "2002:102:304::"} {
		a := netip.MustParseAddr(s)
		if as, ok := db.AS(a); ok && (!as.Prefix.Contains(a) || as.Number == 0) {
			t.Errorf("%s: got %v", s, as)
		}
	}
	db.Announced(64496)
	return true, db.Verify() == nil
}

func TestPublishedTestDatabases(t *testing.T) {
	dir := filepath.Join(shared, "mmdb")
	files, err := filepath.Glob(filepath.Join(dir, "*.mmdb"))
	if err != nil {
		t.Fatal(err)
	}
	bad, err := filepath.Glob(filepath.Join(dir, "bad-data", "*", "*.mmdb"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skipf("%s is not here", dir)
	}
	answered, refused := 0, 0
	for _, path := range slices.Concat(files, bad) {
		raw, name := load(t, path), filepath.Base(path)
		opened, whole := probe(t, raw)
		want := name == "GeoLite2-ASN-Test.mmdb" || name == "GeoIP2-ISP-Test.mmdb"
		if opened != want || whole != want {
			t.Errorf("%s: opened %v, whole %v; want %v", name, opened, whole, want)
		}
		if !opened {
			refused++
			continue
		}
		answered++
		answersLikeTheLibrary(t, name, raw)
	}
	if answered != 2 || refused != 33 {
		t.Errorf("%d answered and %d refused, want 2 and 33", answered, refused)
	}
	_, err = mmdb.Open(load(t, filepath.Join(dir, "GeoLite2-Country-Test.mmdb")))
	if err == nil || !strings.Contains(err.Error(), `type "GeoLite2-Country" has no AS numbers`) {
		t.Errorf("a database of countries: got %v", err)
	}
	if n := open(t, load(t, filepath.Join(dir, "GeoLite2-ASN-Test.mmdb"))).Networks(); n != 412 {
		t.Errorf("GeoLite2-ASN-Test has %d networks, want 412", n)
	}
}

// answersLikeTheLibrary asks for the first and the last address of each network.
func answersLikeTheLibrary(t *testing.T, name string, raw []byte) {
	t.Helper()
	db := open(t, raw)
	reader, err := maxminddb.OpenBytes(raw)
	if err != nil {
		t.Fatal(err)
	}
	for result := range reader.Networks() {
		var r struct {
			Number uint32 `maxminddb:"autonomous_system_number"`
			Org    string `maxminddb:"autonomous_system_organization"`
		}
		if err := result.Decode(&r); err != nil {
			t.Fatal(err)
		}
		p := result.Prefix()
		for _, a := range []netip.Addr{p.Addr(), last(p)} {
			as, ok := db.AS(a)
			if ok != (r.Number != 0) || ok && (as.Number != r.Number || as.Org != r.Org || as.Prefix != p) {
				t.Errorf("%s: %s: got %v, %v; want AS%d %q of %s", name, a, as, ok, r.Number, r.Org, p)
			}
		}
	}
}

// last returns the last address of p.
func last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < 8*len(b); i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b) // of the length it had
	return a
}

// The figures are of the data of 2025-12-04.
func TestWholeInternet(t *testing.T) {
	db := open(t, load(t, filepath.Join(shared, "asn", "asn.mmdb")))
	for number, want := range map[uint32]uint64{13335: 1704192, 54113: 383744, 36459: 9216, 15169: 2458092, 399358: 1024, 14618: 32254912} {
		if got := db.Announced(number).Exposure().V4; got != want {
			t.Errorf("AS%d announces %d IPv4 addresses, want %d", number, got, want)
		}
	}
	if got := db.Networks(); got != 701377 {
		t.Errorf("networks: got %d, want 701,377", got)
	}
	as, ok := db.AS(netip.MustParseAddr("160.79.104.10"))
	if !ok || as.Number != 399358 {
		t.Errorf("160.79.104.10: got %v, %v; want AS399358", as, ok)
	}
}

func FuzzOpen(f *testing.F) {
	good := fixture(f)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte("\xab\xcd\xefMaxMind.com"))
	f.Fuzz(func(t *testing.T, raw []byte) { probe(t, raw) })
}

func BenchmarkAS(b *testing.B) {
	db := open(b, load(b, filepath.Join(shared, "asn", "asn.mmdb")))
	addrs := []netip.Addr{netip.MustParseAddr("104.18.6.192"), netip.MustParseAddr("52.216.10.1"), netip.MustParseAddr("2606:4700::1")}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		db.AS(addrs[i%len(addrs)])
		i++
	}
}

// BenchmarkDecode is what the library needs for the answer of BenchmarkAS.
func BenchmarkDecode(b *testing.B) {
	reader, err := maxminddb.OpenBytes(load(b, filepath.Join(shared, "asn", "asn.mmdb")))
	if err != nil {
		b.Fatal(err)
	}
	a := netip.MustParseAddr("104.18.6.192")
	b.ReportAllocs()
	for b.Loop() {
		var r struct {
			Number uint32 `maxminddb:"autonomous_system_number"`
			Org    string `maxminddb:"autonomous_system_organization"`
		}
		if err := reader.Lookup(a).Decode(&r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNetworks(b *testing.B) {
	raw := load(b, filepath.Join(shared, "asn", "asn.mmdb"))
	b.ReportAllocs()
	for b.Loop() {
		open(b, raw).Networks()
	}
}
