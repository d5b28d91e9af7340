package mmdb_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tripline/ipranges/mmdb"
)

func digest(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// indexed returns a database and its index.
func indexed(tb testing.TB, raw []byte) (db *mmdb.DB, index []byte) {
	tb.Helper()
	index, err := open(tb, raw).Index(digest(raw))
	if err != nil {
		tb.Fatal(err)
	}
	return openIndexed(tb, raw, index, digest(raw)), index
}

func openIndexed(tb testing.TB, raw, index []byte, digest string) *mmdb.DB {
	tb.Helper()
	db, err := mmdb.OpenIndexed(raw, index, digest)
	if err != nil {
		tb.Fatal(err)
	}
	return db
}

// numbers are all systems of the fixtures, and some of nobody.
var numbers = []uint32{0, 1, 13335, 14618, 16509, 64496, 64497, 64498, 64499, 64510, 64511, 4294967295}

func same(t *testing.T, what string, got, want *mmdb.DB) {
	t.Helper()
	for _, n := range numbers {
		if !got.Announced(n).Equal(want.Announced(n)) {
			t.Errorf("%s: AS%d announces %v, want %v", what, n, got.Announced(n).Prefixes(), want.Announced(n).Prefixes())
		}
	}
	if got.Networks() != want.Networks() {
		t.Errorf("%s: %d networks, want %d", what, got.Networks(), want.Networks())
	}
}

func TestIndexSaysWhatTheDatabaseSays(t *testing.T) {
	for _, name := range []string{"asn-test.mmdb", "asn-text-test.mmdb"} {
		raw := testdata(t, name)
		db, _ := indexed(t, raw)
		same(t, name, db, open(t, raw))
		part := open(t, raw).Announced(13335)
		if got := db.AnnouncedIn(13335, part); !got.Equal(part) || got.IsEmpty() {
			t.Errorf("%s: AS13335 in its own part: got %v", name, got.Prefixes())
		}
	}
}

func TestAnIndexThatDoesNotFitIsNotUsed(t *testing.T) {
	raw := fixture(t)
	_, index := indexed(t, raw)
	_, other := indexed(t, testdata(t, "asn-text-test.mmdb"))
	version := bytes.Clone(index)
	version[7]++
	for name, kept := range map[string][]byte{
		"none": nil, "of another database": other, "of another version": version, "cut off": index[:len(index)-1], "longer": append(bytes.Clone(index), 24),
	} {
		same(t, name, openIndexed(t, raw, kept, digest(raw)), open(t, raw))
	}
	same(t, "no digest", openIndexed(t, raw, index, ""), open(t, raw))
}

func TestIndexWantsAWholeDigest(t *testing.T) {
	raw := fixture(t)
	if _, err := open(t, raw).Index("abc"); err == nil || !strings.Contains(err.Error(), "want 64") {
		t.Errorf("a short digest: got %v", err)
	}
}

func TestDamagedIndexNeverPanics(t *testing.T) {
	raw := fixture(t)
	_, index := indexed(t, raw)
	for i := range index {
		bad := bytes.Clone(index)
		bad[i] ^= 1 << (i % 8)
		db := openIndexed(t, raw, bad, digest(raw))
		for _, n := range numbers {
			db.Announced(n)
		}
	}
}

func FuzzIndex(f *testing.F) {
	raw := fixture(f)
	_, index := indexed(f, raw)
	f.Add(index)
	f.Add(index[:len(index)/2])
	f.Fuzz(func(t *testing.T, index []byte) {
		db := openIndexed(t, raw, index, digest(raw))
		for _, n := range numbers {
			db.Announced(n)
		}
	})
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
	slow := open(t, raw)
	for _, n := range []uint32{13335, 8075, 16509, 396982, 399358, 64512} {
		if !db.Announced(n).Equal(slow.Announced(n)) {
			t.Errorf("AS%d: %v, want %v", n, db.Announced(n).Exposure(), slow.Announced(n).Exposure())
		}
	}
}

func BenchmarkAnnounced(b *testing.B) {
	db, _ := indexed(b, load(b, filepath.Join(shared, "asn", "asn.mmdb")))
	b.ReportAllocs()
	for b.Loop() {
		db.Announced(16509).Exposure()
	}
}
