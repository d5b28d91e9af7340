package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"tripline/learn"
)

// An Approved is a baseline in the chain of an agent.
type Approved struct {
	Digest string // hexadecimal SHA-256 of Doc
	Parent string // the digest before it, "" of the first
	Doc    []byte
}

// The keys in the bucket of an agent's baselines.
const (
	kChain = "chain"
	kDocs  = "docs"
)

// Approve makes doc the baseline of an agent. digest must be the hexadecimal
// SHA-256 of doc; parent must be the digest of the baseline it follows, "" for
// the first, or else the error is [ErrStale].
func (s *Store) Approve(agent, digest, parent string, doc []byte) error {
	own := sha256.Sum256(doc)
	if got := hex.EncodeToString(own[:]); got != digest {
		return s.place(fmt.Errorf("approve: digest %q is not that of the baseline, %s", digest, got))
	}
	return s.update(func(tx *bbolt.Tx) error {
		b, err := tx.Bucket([]byte(bBaselines)).CreateBucketIfNotExists([]byte(agent))
		if err != nil {
			return fmt.Errorf("agent %q: %w", agent, err)
		}
		return extend(b, agent, own, parent, doc)
	})
}

func extend(b *bbolt.Bucket, agent string, own [32]byte, parent string, doc []byte) error {
	chain, err := b.CreateBucketIfNotExists([]byte(kChain))
	if err != nil {
		return err
	}
	docs, err := b.CreateBucketIfNotExists([]byte(kDocs))
	if err != nil {
		return err
	}
	entries, err := readChain(chain, agent)
	if err != nil {
		return err
	}
	head := entries.head(agent)
	if head.hex() != parent {
		return learn.WithHint(fmt.Errorf("agent %q: %w: it is %s, not %s", agent, ErrStale,
			short(head.hex()), short(parent)), "look at it again: tripline review")
	}
	next := head.next(own)
	return errors.Join(
		docs.Put(own[:], doc),
		chain.Put(sequence(uint64(len(entries)+1)), append(next.digest[:], next.link[:]...)))
}

// Baseline returns the newest baseline of an agent.
func (s *Store) Baseline(agent string) (digest string, doc []byte, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		newest, err := history(tx, agent, 1)
		if err == nil && len(newest) == 0 {
			err = learn.WithHint(fmt.Errorf("agent %q: %w", agent, ErrNoBaseline), "tripline review shows what to approve")
		}
		if err != nil {
			return err
		}
		digest, doc = newest[0].Digest, newest[0].Doc
		return nil
	})
	return digest, doc, err
}

// History returns all baselines of an agent, newest first. Each was found to
// have the digest it was approved with; if one has not, the error is
// [ErrTampered] and names it.
func (s *Store) History(agent string) (all []Approved, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		all, err = history(tx, agent, -1)
		return err
	})
	return all, err
}

// history returns the newest n baselines of an agent, all if n is negative.
func history(tx *bbolt.Tx, agent string, n int) (all []Approved, err error) {
	b := tx.Bucket([]byte(bBaselines)).Bucket([]byte(agent))
	if b == nil {
		return nil, nil
	}
	chain, docs := b.Bucket([]byte(kChain)), b.Bucket([]byte(kDocs))
	if chain == nil || docs == nil {
		return nil, damaged(fmt.Sprintf("agent %q: the chain of baselines is missing", agent))
	}
	entries, err := readChain(chain, agent)
	for i := len(entries) - 1; err == nil && i >= 0 && len(all) != n; i-- {
		a := Approved{Digest: entries[i].hex(), Doc: bytes.Clone(docs.Get(entries[i].digest[:]))}
		if i > 0 {
			a.Parent = entries[i-1].hex()
		}
		if sha256.Sum256(a.Doc) != entries[i].digest {
			return nil, tampered(agent, a.Digest)
		}
		all = append(all, a)
	}
	return all, err
}

// verifyHeads checks, whenever a store is opened, the chain of every agent and
// the text of its newest baseline. Older texts are checked when they are read:
// hashing them all would cost more than a commit.
func verifyHeads(tx *bbolt.Tx) error {
	return tx.Bucket([]byte(bBaselines)).ForEachBucket(func(agent []byte) error {
		_, err := history(tx, string(agent), 1)
		return err
	})
}

func tampered(agent, digest string) error {
	return learn.WithHint(fmt.Errorf("agent %q: %w: its text does not have the digest %s", agent, ErrTampered, digest),
		"restore the file from a backup, or move it away and learn again")
}

// short is a digest as people read it.
func short(digest string) string {
	if digest == "" {
		return "none"
	}
	return digest[:min(len(digest), 12)]
}
