package store_test

import (
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tripline/learn"
	"tripline/store"
)

func TestStaysAreKeptAndEnd(t *testing.T) {
	s, err := store.Open(filepath.Join(t.TempDir(), "t.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	from := time.Date(2026, 11, 2, 8, 0, 0, 123456789, time.UTC)
	web := learn.Stay{
		Container: learn.Container{ID: "0123456789abcdef", Name: "web\n", Image: "example/web:1", Labels: map[string]string{"a": "b"}},
		Addr:      netip.MustParseAddr("198.51.100.7"), Network: "front", NAT: true, From: from,
	}
	db := web
	db.ID, db.Addr, db.From = "fedcba9876543210", netip.MustParseAddr("2001:db8::7"), from.Add(-time.Hour)
	if err := s.PutStays([]learn.Stay{web, db}); err != nil {
		t.Fatal(err)
	}
	web.To = from.Add(2 * time.Second)
	if err := s.PutStays([]learn.Stay{web}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Stays()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]learn.Stay{db, web}, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Error(diff)
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
}
