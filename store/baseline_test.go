package store_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"tripline/learn"
	"tripline/store"
)

func digestOf(doc []byte) string {
	h := sha256.Sum256(doc)
	return hex.EncodeToString(h[:])
}

// approve approves n baselines of about 30 KB and returns their digests.
func approve(t testing.TB, s *store.Store, n int) (digests []string) {
	t.Helper()
	parent := ""
	for i := range n {
		doc := fmt.Appendf(nil, "tripline: baseline/1\nnumber: %d\n%s", i, strings.Repeat("rule\n", 6000))
		must(t, s.Approve("bot", digestOf(doc), parent, doc))
		parent = digestOf(doc)
		digests = append(digests, parent)
	}
	return digests
}

func TestBaselinesAreChained(t *testing.T) {
	s, _ := opened(t)
	if _, _, err := s.Baseline("bot"); !errors.Is(err, store.ErrNoBaseline) || learn.HintOf(err) == "" {
		t.Errorf("got %v, want ErrNoBaseline and a hint", err)
	}
	digests := approve(t, s, 3)
	digest, doc, err := s.Baseline("bot")
	must(t, err)
	if digest != digests[2] || digestOf(doc) != digests[2] {
		t.Errorf("the baseline is %s, want %s", digest, digests[2])
	}
	all, err := s.History("bot")
	must(t, err)
	if len(all) != 3 {
		t.Fatalf("got %d baselines, want 3", len(all))
	}
	parents := []string{"", digests[0], digests[1]}
	for i, a := range all {
		if a.Digest != digests[2-i] || a.Parent != parents[2-i] {
			t.Errorf("baseline %d is %s after %q, want %s after %q", i, a.Digest, a.Parent, digests[2-i], parents[2-i])
		}
	}
	if all, err := s.History("other"); len(all) != 0 || err != nil {
		t.Errorf("an agent without baselines has %d, %v", len(all), err)
	}
	must(t, s.Check())
}

func TestApproveNeedsTheHeadAndTheDigest(t *testing.T) {
	s, _ := opened(t)
	digests := approve(t, s, 2)
	doc := []byte("new")
	for _, parent := range []string{"", digests[0], "nonsense"} {
		if err := s.Approve("bot", digestOf(doc), parent, doc); !errors.Is(err, store.ErrStale) {
			t.Errorf("after %q: got %v, want ErrStale", parent, err)
		}
	}
	for _, digest := range []string{"", digests[1], strings.ToUpper(digestOf(doc))} {
		if err := s.Approve("bot", digest, digests[1], doc); err == nil {
			t.Errorf("digest %q was accepted", digest)
		}
	}
	must(t, s.Approve("bot", digestOf(doc), digests[1], doc))
}

// edit changes a file with bbolt, as someone who is not tripline would.
func edit(t *testing.T, path string, fn func(*bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	must(t, err)
	must(t, db.Update(fn))
	must(t, db.Close())
}

func baselines(tx *bbolt.Tx, which string) *bbolt.Bucket {
	return tx.Bucket([]byte("baselines")).Bucket([]byte("bot")).Bucket([]byte(which))
}

func TestTamperedBaselineIsReported(t *testing.T) {
	raw := func(digest string) []byte { b, _ := hex.DecodeString(digest); return b }
	key := func(n byte) []byte { return []byte{0, 0, 0, 0, 0, 0, 0, n} }
	for name, c := range map[string]struct {
		edit   func(tx *bbolt.Tx, digests []string) error
		atOpen bool
		want   int // the baseline whose digest is named, -1 none
	}{
		"text of the newest": {func(tx *bbolt.Tx, d []string) error {
			return baselines(tx, "docs").Put(raw(d[2]), []byte("admit everything"))
		}, true, 2},
		"text of an old one": {func(tx *bbolt.Tx, d []string) error {
			return baselines(tx, "docs").Put(raw(d[0]), []byte("admit everything"))
		}, false, 0},
		"text of the newest is gone": {func(tx *bbolt.Tx, d []string) error {
			return baselines(tx, "docs").Delete(raw(d[2]))
		}, true, 2},
		"an entry in the middle is gone": {func(tx *bbolt.Tx, _ []string) error {
			return baselines(tx, "chain").Delete(key(2))
		}, true, -1},
		"an entry points elsewhere": {func(tx *bbolt.Tx, d []string) error {
			v := append(raw(d[0]), baselines(tx, "chain").Get(key(3))[32:]...)
			return baselines(tx, "chain").Put(key(3), v)
		}, true, -1},
		"an entry is cut off": {func(tx *bbolt.Tx, _ []string) error {
			return baselines(tx, "chain").Put(key(3), []byte("x"))
		}, true, -1},
	} {
		t.Run(name, func(t *testing.T) {
			s, path := opened(t)
			digests := approve(t, s, 3)
			must(t, s.Close())
			edit(t, path, func(tx *bbolt.Tx) error { return c.edit(tx, digests) })
			s2, err := store.Open(path, store.Options{})
			if c.atOpen == (err == nil) {
				t.Fatalf("open: got %v, want an error: %v", err, c.atOpen)
			}
			if err == nil {
				_, err = s2.History("bot")
				if e := s2.Check(); !errors.Is(e, store.ErrTampered) {
					t.Errorf("check: got %v, want ErrTampered", e)
				}
				must(t, s2.Close())
			}
			if !errors.Is(err, store.ErrTampered) || learn.HintOf(err) == "" || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want ErrTampered, the path and a hint", err)
			}
			if c.want >= 0 && !strings.Contains(err.Error(), digests[c.want]) {
				t.Errorf("got %v, want it to name %s", err, digests[c.want])
			}
		})
	}
}
