package main

import (
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"tripline/ipranges"
	"tripline/store"
)

// withASN returns an app with a database of its own that holds the AS database
// of the fixtures.
func withASN(t *testing.T) *app {
	t.Helper()
	a := &app{stderr: io.Discard, dbPath: filepath.Join(t.TempDir(), "tripline.db")}
	if err := a.importFiles([]string{filepath.Join("..", "..", "testdata", "mmdb", "asn-test.mmdb")}, ""); err != nil {
		t.Fatal(err)
	}
	return a
}

// announcer returns the number of the system that 192.0.2.1 is of, and how many
// IPv4 addresses it has.
func announcer(t *testing.T, a *app) (number uint32, addresses uint64) {
	t.Helper()
	err := a.read(func(s *store.Store) error {
		space, _, err := loadSpace(s)
		as, _ := space.AS(netip.MustParseAddr("192.0.2.1"))
		if err == nil {
			addresses = space.ASNs.Announced(as.Number).Exposure().V4
		}
		number = as.Number
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return number, addresses
}

// An index of an earlier version is made anew by the next command that writes;
// until then the answers are those of the database.
func TestAnIndexThatDoesNotFitIsMadeAnew(t *testing.T) {
	a := withASN(t)
	index := func() (n store.Snapshot) {
		err := a.read(func(s *store.Store) (err error) {
			n, err = s.Snapshot(asnIndex)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	whole := index()
	err := a.write("test", func(s *store.Store) error {
		return s.PutSnapshot(store.Snapshot{Name: asnIndex, Data: []byte("tl-asn-1 and what an earlier version kept")})
	})
	if err != nil {
		t.Fatal(err)
	}
	if number, addresses := announcer(t, a); number != 64496 || addresses != 256 {
		t.Errorf("without an index AS%d announces %d addresses, want AS64496 and 256", number, addresses)
	}
	if err := a.addList("partner", partner(t)); err != nil {
		t.Fatal(err)
	}
	if again := index(); again.SHA256 != whole.SHA256 {
		t.Errorf("after a write the index is %.8s, want %.8s", again.SHA256, whole.SHA256)
	}
	if number, addresses := announcer(t, a); number != 64496 || addresses != 256 {
		t.Errorf("with an index AS%d announces %d addresses, want AS64496 and 256", number, addresses)
	}
}

// partner writes a list of one's own.
func partner(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "partner.txt")
	if err := os.WriteFile(path, []byte("198.51.100.0/24\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What was loaded does not depend on the file it was imported from, nor on the
// database: both may be replaced and cut short while it is asked.
func TestReplacingFilesWhileRunningIsSafe(t *testing.T) {
	a := withASN(t)
	var space ipranges.Space
	err := a.read(func(s *store.Store) (err error) {
		space, _, err = loadSpace(s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(a.dbPath, 0); err != nil {
		t.Fatal(err)
	}
	as, ok := space.AS(netip.MustParseAddr("192.0.2.1"))
	if !ok || as.Number != 64496 || as.Org != "Example Transit" || space.ASNs.Announced(64496).IsEmpty() {
		t.Errorf("got %v, %v", as, ok)
	}
}
