package feed_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/gaissmai/bart"

	"tripline/ipranges"
	"tripline/ipranges/feed"
	"tripline/ipranges/mmdb"
)

// asnFile reads the AS database of December 2025.
func asnFile(tb testing.TB) []byte {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", "asn", "asn.mmdb"))
	if os.IsNotExist(err) {
		tb.Skipf("no AS database here: %v", err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// load does what the program does when it starts.
func load(tb testing.TB, raws map[string][]byte, asn []byte) ipranges.Space {
	tb.Helper()
	all := map[string]*ipranges.List{}
	for name, raw := range raws {
		list, err := find(tb, name).List(raw)
		if err != nil {
			tb.Fatal(err)
		}
		all[name] = list
	}
	db, err := mmdb.Open(asn)
	if err != nil {
		tb.Fatal(err)
	}
	return feed.Space(all, db)
}

// The bounds are four times what was promised, for machines that are busy.
func TestLoadingIsQuickAndSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time")
	}
	raws, asn := big(t), asnFile(t)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	space := load(t, raws, asn)
	took := time.Since(start)
	runtime.GC()
	runtime.ReadMemStats(&after)
	for _, a := range addresses {
		space.Table.Labels(a)
		space.AS(a)
	}
	grown := (int64(after.HeapAlloc) - int64(before.HeapAlloc) + int64(len(asn))) >> 20
	t.Logf("loaded in %v; %d MiB with the AS database", took, grown)
	if took > 2*time.Second || grown > 60 {
		t.Errorf("loaded in %v and %d MiB, want 0.5 s and at most 60 MiB", took, grown)
	}
	runtime.KeepAlive(space)
	runtime.KeepAlive(raws)
}

func BenchmarkLoad(b *testing.B) {
	raws, asn := big(b), asnFile(b)
	b.ReportAllocs()
	for b.Loop() {
		load(b, raws, asn)
	}
}

// BenchmarkLookup compares on the addresses of a homelab what all labels cost
// with what bart needs for one answer; mmdb measures the library beside AS.
func BenchmarkLookup(b *testing.B) {
	raws, asn := big(b), asnFile(b)
	space, who := load(b, raws, asn), observed(b)
	var longest bart.Table[int]
	i := 0
	for _, set := range space.Table.Entries() {
		for _, p := range set.Prefixes() {
			longest.Insert(p, i)
		}
		i++
	}
	for _, c := range []struct {
		name string
		ask  func(netip.Addr)
	}{
		{"all labels", func(a netip.Addr) { space.Table.Labels(a) }},
		{"home", func(a netip.Addr) { space.Table.Home(a) }},
		{"bart longest match", func(a netip.Addr) { longest.Lookup(a) }},
		{"AS", func(a netip.Addr) { space.AS(a) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				c.ask(who[n%len(who)])
				n++
			}
		})
	}
}

// BenchmarkExposure is of rules a person reads: the widest labels, a union of
// many that overlap, and all that a large system announces.
func BenchmarkExposure(b *testing.B) {
	space := load(b, big(b), asnFile(b))
	set := func(text string) ipranges.Set {
		l, err := ipranges.ParseLabel(text)
		if err != nil {
			b.Fatal(err)
		}
		s, _ := space.Table.Set(l)
		return s
	}
	amazon, azure, google, as := set("aws"), set("azure"), set("gcp"), space.ASNs.Announced(8075)
	b.Run("one label", func(b *testing.B) {
		for b.Loop() {
			set("aws/S3").Exposure()
		}
	})
	b.Run("union of clouds and an AS", func(b *testing.B) {
		for b.Loop() {
			amazon.Union(azure).Union(google).Union(as).Exposure()
		}
	})
	b.Run("first time, widest label", func(b *testing.B) {
		all := azure.Prefixes()
		for b.Loop() {
			ipranges.NewSet(all...).Exposure()
		}
	})
}
