package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"tripline/learn"
)

// A Snapshot is a publisher's list of ranges as it was fetched.
type Snapshot struct {
	Name      string // "aws"
	Source    string // where it came from: a URL or a file
	Fetched   time.Time
	Published time.Time         // as the publisher says, zero if he does not
	SHA256    string            // of Data, hexadecimal
	Meta      map[string]string // whatever else the program notes
	Data      []byte
}

// The keys in the bucket of a snapshot.
const (
	kAbout = "about"
	kData  = "data"
)

// An about is a snapshot as it is kept, beside its data.
type about struct {
	Source    string            `json:"source"`
	Fetched   time.Time         `json:"fetched"`
	Published time.Time         `json:"published"`
	SHA256    string            `json:"sha256"`
	Size      int               `json:"size"`
	Meta      map[string]string `json:"meta,omitempty"`
}

func (a *about) snapshot(name string) Snapshot {
	return Snapshot{
		Name: name, Source: a.Source, Fetched: a.Fetched, Published: a.Published, SHA256: a.SHA256, Meta: a.Meta,
	}
}

// PutSnapshot keeps a snapshot in place of the one with its name. SHA256 may be
// empty, then it is computed; if it is not that of Data, nothing is kept.
func (s *Store) PutSnapshot(n Snapshot) error {
	if s.db.IsReadOnly() {
		return s.place(ErrReadOnly)
	}
	own := sha256.Sum256(n.Data)
	sum := hex.EncodeToString(own[:])
	if n.SHA256 != "" && n.SHA256 != sum {
		return s.place(fmt.Errorf("ranges %q: SHA-256 is %s, want %s", n.Name, sum, n.SHA256))
	}
	data, err := s.codec.compress(nil, n.Data)
	if err != nil {
		return s.place(fmt.Errorf("ranges %q: %w", n.Name, err))
	}
	a := about{n.Source, n.Fetched.UTC(), n.Published.UTC(), sum, len(n.Data), n.Meta}
	return s.update(func(tx *bbolt.Tx) error {
		b, err := tx.Bucket([]byte(bSnapshots)).CreateBucketIfNotExists([]byte(n.Name))
		if err == nil {
			err = putJSON(b, kAbout, a)
		}
		if err == nil {
			err = b.Put([]byte(kData), data)
		}
		if err != nil {
			return fmt.Errorf("ranges %q: %w", n.Name, err)
		}
		return nil
	})
}

// Snapshots returns all snapshots by name, without their data.
func (s *Store) Snapshots() (all []Snapshot, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		return eachAgent(tx.Bucket([]byte(bSnapshots)), "", func(name string, b *bbolt.Bucket) error {
			a, err := aboutOf(name, b)
			all = append(all, a.snapshot(name))
			return err
		})
	})
	return all, err
}

// Snapshot returns one snapshot with its data, which was found to have its
// SHA-256; [ErrNoSnapshot] if there is none.
func (s *Store) Snapshot(name string) (n Snapshot, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(bSnapshots)).Bucket([]byte(name))
		if b == nil {
			return learn.WithHint(fmt.Errorf("ranges %q: %w", name, ErrNoSnapshot), "tripline ranges list shows what there is")
		}
		n, err = s.snapshotOf(name, b)
		return err
	})
	return n, err
}

func (s *Store) snapshotOf(name string, b *bbolt.Bucket) (Snapshot, error) {
	a, err := aboutOf(name, b)
	if err != nil {
		return Snapshot{}, err
	}
	n := a.snapshot(name)
	if n.Data, err = s.codec.expand(b.Get([]byte(kData)), a.Size); err != nil {
		return Snapshot{}, damaged(fmt.Sprintf("ranges %q: %v", name, err))
	}
	if own := sha256.Sum256(n.Data); hex.EncodeToString(own[:]) != n.SHA256 {
		return Snapshot{}, damaged(fmt.Sprintf("ranges %q: the data do not have SHA-256 %s", name, n.SHA256))
	}
	return n, nil
}

func aboutOf(name string, b *bbolt.Bucket) (a about, err error) {
	if err := json.Unmarshal(b.Get([]byte(kAbout)), &a); err != nil || a.Size < 0 {
		return about{}, damaged(fmt.Sprintf("ranges %q: unreadable description", name))
	}
	return a, nil
}
