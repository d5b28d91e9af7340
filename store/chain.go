package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"go.etcd.io/bbolt"

	"tripline/learn"
)

// An entry is one baseline in a chain. Its link hashes all entries up to it, so
// that none can be changed, moved or left out without all after it.
type entry struct{ digest, link [32]byte }

func (e entry) next(digest [32]byte) entry {
	return entry{digest, sha256.Sum256(append(e.link[:], digest[:]...))}
}

// hex returns the digest in words of Approve: "" before the first baseline.
func (e entry) hex() string {
	if e.digest == ([32]byte{}) {
		return ""
	}
	return hex.EncodeToString(e.digest[:])
}

// root is what the first baseline of an agent follows.
func root(agent string) entry {
	return entry{link: sha256.Sum256([]byte("tripline chain\n" + agent))}
}

// entries is a chain, oldest first.
type entries []entry

func (es entries) head(agent string) entry {
	if len(es) == 0 {
		return root(agent)
	}
	return es[len(es)-1]
}

// readChain reads and verifies the chain of an agent.
func readChain(chain *bbolt.Bucket, agent string) (es entries, err error) {
	err = chain.ForEach(func(k, v []byte) error {
		want := uint64(len(es) + 1)
		if string(k) != string(sequence(want)) || len(v) != 64 {
			return broken(agent, want)
		}
		e := es.head(agent).next([32]byte(v))
		if e.link != [32]byte(v[32:]) {
			return broken(agent, want)
		}
		es = append(es, e)
		return nil
	})
	return es, err
}

func broken(agent string, n uint64) error {
	return learn.WithHint(fmt.Errorf("agent %q: %w: the chain is broken at baseline %d", agent, ErrTampered, n),
		"restore the file from a backup, or move it away and learn again")
}
