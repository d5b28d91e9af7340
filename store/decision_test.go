package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"tripline/store"
)

func TestDecisionsReplaceThoseOfTheSameRow(t *testing.T) {
	s, path := opened(t)
	long := strings.Repeat("tcp/443 ", 9000)
	must(t, s.PutDecisions("bot", []store.Decided{{"a", []byte("1")}, {long, []byte("2")}}))
	must(t, s.PutDecisions("bot", []store.Decided{{"a", []byte("3")}, {"b", []byte("4")}, {"c", nil}}))
	must(t, s.PutDecisions("web", []store.Decided{{"a", []byte("5")}}))
	must(t, s.PutDecisions("bot", []store.Decided{{"b", nil}}))
	must(t, s.Check())
	must(t, s.Close())
	s, err := store.Open(path, store.Options{ReadOnly: true})
	must(t, err)
	defer s.Close()
	got, err := s.Decisions("bot")
	must(t, err)
	by := map[string]string{}
	for _, d := range got {
		by[d.Key] = string(d.Data)
	}
	if diff := cmp.Diff(map[string]string{"a": "3", long: "2"}, by); diff != "" {
		t.Errorf("differs (-want +got):\n%s", diff)
	}
	if list, err := s.Decisions("none"); len(list) != 0 || err != nil {
		t.Errorf("got %v, %v of an agent without any", list, err)
	}
	if err := s.PutDecisions("bot", nil); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("got %v, want ErrReadOnly", err)
	}
}

func TestChangedDecisionIsReported(t *testing.T) {
	s, path := opened(t)
	must(t, s.PutDecisions("bot", []store.Decided{{"a", []byte("1")}}))
	must(t, s.Close())
	edit(t, path, func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte("decisions")).Bucket([]byte("bot"))
		k, _ := b.Cursor().First()
		return b.Put(k, []byte("\x09"))
	})
	s, err := store.Open(path, store.Options{})
	must(t, err)
	defer s.Close()
	if _, err := s.Decisions("bot"); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("got %v, want ErrDamaged", err)
	}
	if err := s.Check(); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("check: got %v, want ErrDamaged", err)
	}
}

// TestSchemaOneIsBroughtUpToDate is of a file without decisions.
func TestSchemaOneIsBroughtUpToDate(t *testing.T) {
	s, path := opened(t)
	must(t, s.PutAgent("bot", []byte("x")))
	must(t, s.Close())
	edit(t, path, func(tx *bbolt.Tx) error {
		return errors.Join(tx.DeleteBucket([]byte("decisions")), tx.Bucket([]byte("meta")).Put([]byte("schema"), []byte("1")))
	})
	if _, err := store.Open(path, store.Options{ReadOnly: true}); err == nil {
		t.Error("it was opened read-only as it was")
	}
	s, err := store.Open(path, store.Options{})
	must(t, err)
	defer s.Close()
	must(t, s.PutDecisions("bot", []store.Decided{{"a", []byte("1")}}))
	if agents, err := s.Agents(); len(agents) != 1 || err != nil {
		t.Errorf("got %v, %v", agents, err)
	}
}

func TestLastShownIsTheNewest(t *testing.T) {
	s, _ := opened(t)
	if digest, _, err := s.LastShown(); digest != "" || err != nil {
		t.Errorf("got %q, %v before anything was shown", digest, err)
	}
	must(t, s.PutShown("bb", t0.Add(time.Second), nil))
	must(t, s.PutShown("aa", t0.Add(2*time.Second), nil))
	must(t, s.PutShown("cc", t0, nil))
	digest, at, err := s.LastShown()
	if digest != "aa" || !at.Equal(t0.Add(2*time.Second)) || err != nil {
		t.Errorf("got %q, %v, %v", digest, at, err)
	}
}
