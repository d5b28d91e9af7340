package feed_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gaissmai/bart"

	"tripline/ipranges"
	"tripline/ipranges/feed"
	"tripline/ipranges/mmdb"
)

// asnIndex returns the index of the AS database of December 2025, which the
// program keeps beside it.
func asnIndex(tb testing.TB) []byte {
	tb.Helper()
	db, err := mmdb.Open(asnFile(tb))
	if err != nil {
		tb.Fatal(err)
	}
	index, err := db.Index(nobody)
	if err != nil {
		tb.Fatal(err)
	}
	return index
}

// nobody stands for the SHA-256 of a database.
var nobody = strings.Repeat("0", 64)

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
	db, err := mmdb.ReadIndex(asn, nobody)
	if err != nil {
		tb.Fatal(err)
	}
	return feed.Space(all, db)
}

// The best of three counts, and the bound on time is four times what was
// promised: other tests run at the same moment.
func TestLoadingIsQuickAndSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time")
	}
	raws, asn := big(t), asnIndex(t)
	took, grown := time.Hour, int64(1<<40)
	for range 3 {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := time.Now()
		space := load(t, raws, asn)
		took = min(took, time.Since(start))
		runtime.GC()
		runtime.ReadMemStats(&after)
		grown = min(grown, int64(after.HeapAlloc)-int64(before.HeapAlloc)+int64(len(asn)))
		for _, a := range addresses {
			space.Table.Labels(a)
			space.AS(a)
		}
	}
	t.Logf("loaded in %v; %d KiB with the AS database", took, grown>>10)
	if took > 2*time.Second || grown > 30<<20 {
		t.Errorf("loaded in %v and %d KiB, want 0.5 s and at most 30 MiB", took, grown>>10)
	}
	runtime.KeepAlive(raws)
}

func BenchmarkLoad(b *testing.B) {
	raws, asn := big(b), asnIndex(b)
	b.ReportAllocs()
	for b.Loop() {
		load(b, raws, asn)
	}
}

// BenchmarkLookup compares on the addresses of a homelab what all labels cost
// with what bart needs for one answer; mmdb measures the library beside AS.
func BenchmarkLookup(b *testing.B) {
	raws, asn := big(b), asnIndex(b)
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
	space := load(b, big(b), asnIndex(b))
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
