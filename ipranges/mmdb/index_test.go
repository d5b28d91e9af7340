package mmdb_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"

	"tripline/ipranges"
	"tripline/ipranges/mmdb"
)

func digest(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// indexed returns the index of a database, and what it was read from.
func indexed(tb testing.TB, raw []byte) (ix *mmdb.Index, index []byte) {
	tb.Helper()
	index, err := open(tb, raw).Index(digest(raw))
	if err != nil {
		tb.Fatal(err)
	}
	ix, err = mmdb.ReadIndex(index, digest(raw))
	if err != nil {
		tb.Fatal(err)
	}
	return ix, index
}

// numbers are all systems of the fixtures, and some of nobody.
var numbers = []uint32{0, 1, 13335, 14618, 16509, 64496, 64497, 64498, 64499, 64510, 64511, 4294967295}

// sameAnswers compares an index with the database it is of: networks as the
// library reads them, their neighbours, and all that systems announce; of a large
// one only some.
func sameAnswers(t *testing.T, what string, raw []byte) {
	t.Helper()
	ix, _ := indexed(t, raw)
	db := open(t, raw)
	announced := map[uint32][]netip.Prefix{}
	networks := 0
	reader, err := maxminddb.OpenBytes(raw)
	if err != nil {
		t.Fatal(err)
	}
	for result := range reader.Networks() {
		p := result.Prefix()
		if as, ok := db.AS(p.Addr()); ok {
			networks++
			announced[as.Number] = append(announced[as.Number], p)
		}
		if few := networks < 1000; !few && networks%20 > 0 {
			continue
		}
		for _, a := range []netip.Addr{p.Addr(), last(p), last(p).Next()} {
			want, wantOK := db.AS(a)
			if got, ok := ix.AS(a); a.IsValid() && (got != want || ok != wantOK) {
				t.Fatalf("%s: %s: got %v, %v; want %v, %v", what, a, got, ok, want, wantOK)
			}
		}
	}
	n := 0
	for number, prefixes := range announced {
		if n++; n%500 == 0 || len(announced) < 1000 || len(prefixes) > 5000 {
			if !ix.Announced(number).Equal(ipranges.NewSet(prefixes...)) {
				t.Errorf("%s: AS%d announces %v, want %d prefixes", what, number, ix.Announced(number).Exposure(), len(prefixes))
			}
		}
	}
	if ix.Networks() != networks || networks == 0 {
		t.Errorf("%s: %d networks, want %d", what, ix.Networks(), networks)
	}
}

func TestIndexSaysWhatTheDatabaseSays(t *testing.T) {
	for _, name := range []string{"asn-test.mmdb", "asn-text-test.mmdb"} {
		sameAnswers(t, name, testdata(t, name))
	}
	for _, name := range []string{"mmdb/GeoLite2-ASN-Test.mmdb", "mmdb/GeoIP2-ISP-Test.mmdb", "asn/asn.mmdb"} {
		t.Run(name, func(t *testing.T) { sameAnswers(t, name, load(t, filepath.Join(shared, filepath.FromSlash(name)))) })
	}
}

func TestIndexOfNobody(t *testing.T) {
	ix, _ := indexed(t, fixture(t))
	for _, a := range []netip.Addr{{}, netip.MustParseAddr("0.0.0.0"), netip.MustParseAddr("255.255.255.255"), netip.MustParseAddr("::"), netip.MustParseAddr("ffff::")} {
		if as, ok := ix.AS(a); ok {
			t.Errorf("%v is announced by %v", a, as)
		}
	}
	as, ok := ix.AS(netip.MustParseAddr("::ffff:192.0.2.1"))
	if !ok || as.Number != 64496 {
		t.Errorf("an IPv4 address in IPv6: got %v, %v", as, ok)
	}
}

func TestAnIndexThatDoesNotFitIsRefused(t *testing.T) {
	raw := fixture(t)
	_, index := indexed(t, raw)
	_, other := indexed(t, testdata(t, "asn-text-test.mmdb"))
	version := bytes.Clone(index)
	version[7]++
	for name, kept := range map[string][]byte{
		"none": nil, "of another database": other, "of another version": version, "cut off": index[:len(index)-1], "longer": append(bytes.Clone(index), 24),
	} {
		if ix, err := mmdb.ReadIndex(kept, digest(raw)); err == nil || ix != nil {
			t.Errorf("%s: it is used", name)
		}
	}
	if _, err := mmdb.ReadIndex(index, ""); err == nil {
		t.Error("without a digest it is used")
	}
}

func TestIndexWantsAWholeDigest(t *testing.T) {
	raw := fixture(t)
	if _, err := open(t, raw).Index("abc"); err == nil || !strings.Contains(err.Error(), "want 64") {
		t.Errorf("a short digest: got %v", err)
	}
}

// ask asks everything of an index, if it is one.
func ask(t *testing.T, index []byte, digest string) {
	t.Helper()
	ix, err := mmdb.ReadIndex(index, digest)
	if err != nil {
		return
	}
	for _, n := range numbers {
		ix.Announced(n)
	}
	for _, s := range []string{"192.0.2.1", "0.0.0.0", "255.255.255.255", "2001:db8::1", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"} {
		a := netip.MustParseAddr(s)
		if as, ok := ix.AS(a); ok && !as.Prefix.Contains(a) {
			t.Errorf("%s: got %v", a, as)
		}
	}
}

func TestDamagedIndexNeverPanics(t *testing.T) {
	raw := fixture(t)
	_, index := indexed(t, raw)
	for i := range index {
		for bit := range 8 {
			bad := bytes.Clone(index)
			bad[i] ^= 1 << bit
			ask(t, bad, digest(raw))
		}
		ask(t, index[:i], digest(raw))
	}
}

func FuzzIndex(f *testing.F) {
	raw := fixture(f)
	_, index := indexed(f, raw)
	f.Add(index)
	f.Add(index[:len(index)/2])
	f.Fuzz(func(t *testing.T, index []byte) { ask(t, index, digest(raw)) })
}

// The bound is for machines that are busy; alone it takes a tenth of that.
func TestExposureOfALargeSystemIsQuick(t *testing.T) {
	raw := load(t, filepath.Join(shared, "asn", "asn.mmdb"))
	db, _ := indexed(t, raw)
	start := time.Now()
	got := db.Announced(16509).Exposure()
	if took := time.Since(start); took > 10*time.Millisecond || got.IsZero() {
		t.Errorf("AS16509: %v in %v, want it within 10 ms", got, took)
	}
}

func BenchmarkAnnounced(b *testing.B) {
	db, _ := indexed(b, load(b, filepath.Join(shared, "asn", "asn.mmdb")))
	b.ReportAllocs()
	for b.Loop() {
		db.Announced(16509).Exposure()
	}
}

func BenchmarkIndexAS(b *testing.B) {
	ix, index := indexed(b, load(b, filepath.Join(shared, "asn", "asn.mmdb")))
	addrs := []netip.Addr{netip.MustParseAddr("104.18.6.192"), netip.MustParseAddr("52.216.10.1"), netip.MustParseAddr("2606:4700::1")}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		ix.AS(addrs[i%len(addrs)])
		i++
	}
	b.ReportMetric(float64(len(index)), "bytes")
}

func BenchmarkReadIndex(b *testing.B) {
	raw := load(b, filepath.Join(shared, "asn", "asn.mmdb"))
	_, index := indexed(b, raw)
	sum := digest(raw)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := mmdb.ReadIndex(index, sum); err != nil {
			b.Fatal(err)
		}
	}
}
