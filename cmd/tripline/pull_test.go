package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tripline/ipranges"
	"tripline/ipranges/feed"
	"tripline/store"
)

// A publisher answers for several feeds, as its state says.
type publisher struct {
	broken, moved atomic.Bool
}

func (p *publisher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "testdata", "feed", filepath.Base(r.URL.Path)))
	switch {
	case err != nil:
		http.Error(w, "gone", http.StatusNotFound)
		return
	case p.broken.Load():
		raw = []byte("<html>sign in</html>")
	case r.Header.Get("If-None-Match") == `"1"` && !p.moved.Load():
		w.WriteHeader(http.StatusNotModified)
		return
	case p.moved.Load():
		raw = bytes.ReplaceAll(raw, []byte("52.216.0.0/15"), []byte("52.216.0.0/16"))
	}
	w.Header().Set("ETag", `"1"`)
	if _, err := w.Write(raw); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// pulling returns an app with a database of its own, what it says, and feeds
// that are published by p.
func pulling(t *testing.T, p *publisher) (*app, *bytes.Buffer, []feed.Feed) {
	t.Helper()
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	var feeds []feed.Feed
	for name, file := range map[string]string{"aws": "aws-mini.json", "gcp": "gcp-mini.json", "fastly": "fastly-mini.json", "oci": "oci-mini.json", "m365": "m365-mini.json"} {
		f, err := feed.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		f.URL = s.URL + "/" + file
		feeds = append(feeds, f)
	}
	said := &bytes.Buffer{}
	return &app{stderr: said, dbPath: filepath.Join(t.TempDir(), "tripline.db")}, said, feeds
}

// stored returns how many addresses of S3 are known, and how many lists.
func stored(t *testing.T, a *app) (addresses uint64, lists int) {
	t.Helper()
	err := a.read(func(s *store.Store) error {
		have, err := heads(s)
		if err != nil {
			return err
		}
		space, _, err := loadSpace(s)
		set, _ := space.Table.Set(ipranges.Label{Provider: "aws", Service: "S3", Region: "us-east-1"})
		addresses, lists = set.Exposure().V4, len(have)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return addresses, lists
}

func TestPullKeepsTheLastGoodList(t *testing.T) {
	p := &publisher{}
	a, said, feeds := pulling(t, p)
	pull := func() error {
		said.Reset()
		return a.pullFeeds(t.Context(), feeds, 10*time.Second)
	}
	if err := pull(); err != nil {
		t.Fatal(err)
	}
	first, lists := stored(t, a)
	if lists != len(feeds) || first == 0 || !strings.Contains(said.String(), "aws: ") {
		t.Fatalf("%d lists are kept, with %d addresses; said %s", lists, first, said)
	}
	if err := pull(); err != nil || strings.Count(said.String(), ": not modified\n") != len(feeds) {
		t.Errorf("nothing new: got %v, said %s", err, said)
	}
	p.broken.Store(true)
	if err := pull(); err == nil || strings.Count(err.Error(), "old") != len(feeds) || !strings.Contains(err.Error(), "a web page, want a JSON document; the list of 2026-08-22 stays") {
		t.Errorf("pages for people: got %v", err)
	}
	if now, _ := stored(t, a); now != first {
		t.Errorf("%d addresses are left of %d", now, first)
	}
	p.broken.Store(false)
	p.moved.Store(true)
	if err := pull(); err != nil || !strings.Contains(said.String(), "+0 -65,536 IPv4 addresses: tripline ranges diff aws") {
		t.Errorf("a change: got %v, said %s", err, said)
	}
	if strings.Count(said.String(), "; the same addresses as before\n") != len(feeds)-1 {
		t.Errorf("what was published again without a change: said %s", said)
	}
	if now, lists := stored(t, a); now != first-65536 || lists != len(feeds)+1 {
		t.Errorf("%d addresses in %d lists, want %d and the list before", now, lists, first-65536)
	}
}
