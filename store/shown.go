package store

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"tripline/learn"
)

// remembered is how many shown proposals are kept.
const remembered = 100

// PutShown remembers that a proposal was shown, so that approving can tell a
// stale digest from a wrong one. The newest 100 are remembered.
func (s *Store) PutShown(digest string, at time.Time, doc []byte) error {
	return s.update(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(bShown))
		v := append(appendInstant(nil, instantOf(at)), doc...)
		if err := b.Put([]byte(digest), v); err != nil {
			return fmt.Errorf("proposal %q: %w", digest, err)
		}
		return forget(b)
	})
}

// forget drops the oldest beyond what is remembered.
func forget(b *bbolt.Bucket) error {
	type shown struct {
		digest string
		at     instant
	}
	var all []shown
	err := b.ForEach(func(k, v []byte) error {
		r := reader{b: v}
		all = append(all, shown{string(k), r.instant()})
		return nil
	})
	slices.SortFunc(all, func(a, b shown) int {
		return cmp.Or(cmp.Compare(b.at.sec, a.at.sec), cmp.Compare(b.at.nsec, a.at.nsec), strings.Compare(a.digest, b.digest))
	})
	for i := remembered; err == nil && i < len(all); i++ {
		err = b.Delete([]byte(all[i].digest))
	}
	return err
}

// Shown returns the proposal whose digest begins with prefix: [ErrNotShown] if
// there is none, [ErrAmbiguous] if there are more.
func (s *Store) Shown(prefix string) (digest string, at time.Time, doc []byte, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		k, v, err := only(tx.Bucket([]byte(bShown)).Cursor(), prefix)
		if err != nil {
			return err
		}
		r := reader{b: v}
		digest, at = string(k), r.instant().time()
		if doc = bytes.Clone(r.b); r.bad {
			return damaged(fmt.Sprintf("proposal %q: %v", k, errShort))
		}
		return nil
	})
	return digest, at, doc, err
}

// only returns the one pair whose key begins with prefix. A whole digest is
// never ambiguous.
func only(c *bbolt.Cursor, prefix string) (k, v []byte, err error) {
	k, v = c.Seek([]byte(prefix))
	if prefix == "" || !bytes.HasPrefix(k, []byte(prefix)) {
		return nil, nil, learn.WithHint(fmt.Errorf("digest %q: %w", prefix, ErrNotShown),
			"tripline review shows the proposal and its digest")
	}
	if next, _ := c.Next(); string(k) != prefix && bytes.HasPrefix(next, []byte(prefix)) {
		return nil, nil, learn.WithHint(fmt.Errorf("digest %q: %w: %s and %s begin like that",
			prefix, ErrAmbiguous, k, next), "give more of its digits")
	}
	return k, v, nil
}
