package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"tripline/learn"
	"tripline/store"
)

func TestShownRemembersTheNewestHundred(t *testing.T) {
	s, _ := opened(t)
	name := func(n int) string { return digestOf(fmt.Append(nil, n)) }
	for n := range 130 {
		must(t, s.PutShown(name(n), t0.Add(time.Duration(n)*time.Minute), fmt.Append(nil, "doc ", n)))
	}
	digest, at, doc, err := s.Shown(name(129)[:10])
	if err != nil || digest != name(129) || !at.Equal(t0.Add(129*time.Minute)) || string(doc) != "doc 129" {
		t.Errorf("got %s, %v, %q, %v", digest, at, doc, err)
	}
	for n, want := range map[int]error{29: store.ErrNotShown, 30: nil} {
		if _, _, _, err := s.Shown(name(n)); !errors.Is(err, want) {
			t.Errorf("proposal %d: got %v, want %v", n, err, want)
		}
	}
	must(t, s.Check())
}

func TestShownByPrefix(t *testing.T) {
	s, _ := opened(t)
	for _, d := range []string{"3f9a", "3f9a00", "3f9b"} {
		must(t, s.PutShown(d, t0, nil))
	}
	for prefix, want := range map[string]error{
		"3f9": store.ErrAmbiguous, "3": store.ErrAmbiguous, "3f9a": nil, "3f9a0": nil, "3f9b": nil,
		"": store.ErrNotShown, "4": store.ErrNotShown, "3f9a000": store.ErrNotShown,
	} {
		_, _, _, err := s.Shown(prefix)
		if !errors.Is(err, want) || (want != nil && learn.HintOf(err) == "") {
			t.Errorf("%q: got %v, want %v", prefix, err, want)
		}
	}
}

func TestSnapshots(t *testing.T) {
	s, _ := opened(t)
	data := bytes.Repeat([]byte(`{"ip_prefix":"192.0.2.0/24"},`), 50_000)
	aws := store.Snapshot{
		Name: "aws", Source: "https://ranges.example.com/aws.json", Fetched: t0, Published: t0.Add(-time.Hour),
		SHA256: digestOf(data), Meta: map[string]string{"etag": `"x"`}, Data: data,
	}
	must(t, s.PutSnapshot(store.Snapshot{Name: "aws", Data: []byte("old")}))
	must(t, s.PutSnapshot(aws))
	must(t, s.PutSnapshot(store.Snapshot{Name: "none"}))
	got, err := s.Snapshot("aws")
	must(t, err)
	if diff := cmp.Diff(aws, got); diff != "" {
		t.Errorf("differs (-want +got):\n%.500s", diff)
	}
	all, err := s.Snapshots()
	must(t, err)
	aws.Data = nil
	want := []store.Snapshot{aws, {Name: "none", SHA256: digestOf(nil)}}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("list differs (-want +got):\n%s", diff)
	}
	if err := s.PutSnapshot(store.Snapshot{Name: "aws", SHA256: digestOf(nil), Data: data}); err == nil {
		t.Error("a wrong SHA-256 was accepted")
	}
	if _, err := s.Snapshot("gcp"); !errors.Is(err, store.ErrNoSnapshot) {
		t.Errorf("got %v, want ErrNoSnapshot", err)
	}
	must(t, s.Check())
}

func TestChangedSnapshotIsReported(t *testing.T) {
	s, path := opened(t)
	must(t, s.PutSnapshot(store.Snapshot{Name: "aws", Data: []byte("198.51.100.0/24")}))
	must(t, s.PutSnapshot(store.Snapshot{Name: "own", Data: []byte("203.0.113.0/24.")}))
	must(t, s.Close())
	edit(t, path, func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte("snapshots"))
		return b.Bucket([]byte("aws")).Put([]byte("data"), b.Bucket([]byte("own")).Get([]byte("data")))
	})
	s, err := store.Open(path, store.Options{})
	must(t, err)
	defer s.Close()
	if _, err := s.Snapshot("aws"); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("got %v, want ErrDamaged", err)
	}
}

func TestPruneKeepsWhatIsCited(t *testing.T) {
	s, _ := opened(t)
	day := func(d, n int) learn.Flow {
		f := flow(n)
		f.Time = t0.AddDate(0, 0, d)
		return f
	}
	must(t, s.Commit(store.Batch{Run: "old", Flows: []learn.Flow{day(0, 1), day(1, 2), day(1, 3)}}))
	must(t, s.Commit(store.Batch{Run: "both", Flows: []learn.Flow{day(1, 4), day(9, 1), day(8, 5)}}))
	cited := netip.MustParseAddr("203.0.113.2")
	flows, dests, err := s.Prune(t0.AddDate(0, 0, 5), func(d learn.Destination) bool { return d.Addr == cited })
	if flows != 4 || dests != 2 || err != nil {
		t.Errorf("dropped %d flows and %d destinations, %v, want 4 and 2", flows, dests, err)
	}
	left, err := s.Destinations("bot")
	must(t, err)
	var addrs []string
	for _, d := range left {
		addrs = append(addrs, fmt.Sprint(d.Addr, " ", d.Flows))
	}
	if got := strings.Join(addrs, ", "); got != "203.0.113.1 2, 203.0.113.2 1, 203.0.113.5 1" {
		t.Errorf("left are %s", got)
	}
	n := 0
	for f, err := range s.Flows("") {
		must(t, err)
		if f.Time.Before(t0.AddDate(0, 0, 5)) {
			t.Errorf("a flow of %v is left", f.Time)
		}
		n++
	}
	if n != 2 {
		t.Errorf("%d flows are left, want 2", n)
	}
	must(t, s.Check())
	must(t, s.Commit(store.Batch{Run: "both", Flows: []learn.Flow{day(10, 3)}}))
	must(t, s.Check())
	if flows, dests, err := s.Prune(t0.AddDate(0, 0, 5), func(d learn.Destination) bool { return d.Addr == cited }); flows+dests != 0 || err != nil {
		t.Errorf("again: dropped %d and %d, %v", flows, dests, err)
	}
}

func TestPruneMayAskTheStore(t *testing.T) {
	s, _ := opened(t)
	must(t, s.Commit(store.Batch{Run: "r", Flows: flowsUpTo(3)}))
	_, n, err := s.Prune(t0.AddDate(1, 0, 0), func(learn.Destination) bool {
		must(t, s.PutAgent("bot", nil))
		return false
	})
	if n != 3 || err != nil {
		t.Errorf("dropped %d, %v, want 3", n, err)
	}
}

// A prune of less than before, after old flows came again, makes nothing known
// that was dropped.
func TestPrunedIsTheLatestTime(t *testing.T) {
	s, _ := opened(t)
	want := func(want time.Time) {
		t.Helper()
		if got, err := s.Pruned(); !got.Equal(want) || err != nil {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	}
	want(time.Time{})
	for _, c := range []struct{ before, want time.Time }{{t0.AddDate(0, 0, 9), t0.AddDate(0, 0, 9)}, {t0.AddDate(0, 0, 5), t0.AddDate(0, 0, 9)}} {
		must(t, s.Commit(store.Batch{Run: "r", Flows: []learn.Flow{flow(1)}}))
		_, _, err := s.Prune(c.before, nil)
		must(t, err)
		want(c.want)
	}
}

func TestReplaySaysWhichRun(t *testing.T) {
	s, _ := opened(t)
	must(t, s.Commit(store.Batch{Run: "a", Flows: flowsUpTo(3)}))
	must(t, s.Commit(store.Batch{Run: "b", Flows: flowsUpTo(2)}))
	runs := map[string]int{}
	must(t, s.Replay("bot", func(*learn.Flow, string) { runs["all"]++ }))
	must(t, s.Replay("bot", func(_ *learn.Flow, run string) { runs[run]++ }))
	must(t, s.Replay("nobody", func(*learn.Flow, string) { runs["nobody"]++ }))
	if diff := cmp.Diff(map[string]int{"all": 5, "a": 3, "b": 2}, runs); diff != "" {
		t.Error(diff)
	}
}
