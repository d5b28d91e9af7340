package store

import (
	"fmt"
	"strconv"

	"go.etcd.io/bbolt"

	"tripline/learn"
)

// schema is the version this package writes.
const schema = 2

// The buckets at the root, and the keys in meta.
const (
	bMeta         = "meta"
	bAgents       = "agents"
	bRuns         = "runs"
	bCursors      = "cursors"
	bFlows        = "flows"
	bDestinations = "destinations"
	bBaselines    = "baselines"
	bShown        = "shown"
	bSnapshots    = "snapshots"
	bDecisions    = "decisions"

	kSchema = "schema"
	kPruned = "pruned"
)

// A step brings a store from one schema to the next.
type step func(*bbolt.Tx) error

// steps returns how to bring older stores up to date: the first is from schema
// 1 to 2. An older program would not know what is never to be admitted, so it
// must not read what is decided since.
func steps() []step {
	return []step{create(bDecisions)}
}

// create returns the step that adds a bucket.
func create(name string) step {
	return func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists([]byte(name))
		return err
	}
}

// buckets returns all buckets of the current schema.
func buckets() []string {
	return []string{
		bMeta, bAgents, bRuns, bCursors, bFlows, bDestinations, bBaselines, bShown, bSnapshots, bDecisions,
	}
}

// lay writes an empty store of the current schema.
func lay(tx *bbolt.Tx) error {
	for _, name := range buckets() {
		if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return err
		}
	}
	return setSchema(tx, schema)
}

func setSchema(tx *bbolt.Tx, v int) error {
	return tx.Bucket([]byte(bMeta)).Put([]byte(kSchema), strconv.AppendInt(nil, int64(v), 10))
}

// schemaOf returns the version a file says it has, and 0 if it says nothing.
func schemaOf(tx *bbolt.Tx) int {
	meta := tx.Bucket([]byte(bMeta))
	if meta == nil {
		return 0
	}
	v, err := strconv.Atoi(string(meta.Get([]byte(kSchema))))
	if err != nil || v < 1 {
		return 0
	}
	return v
}

// fits checks that this program can work with schema v of the file at path.
func fits(path string, v, latest int, readOnly bool) error {
	switch {
	case v == 0:
		return notStore(path, "a bbolt database of another program")
	case v > latest:
		err := fmt.Errorf("open %s: %w: schema %d, this one reads up to %d", path, ErrNewer, v, latest)
		return learn.WithHint(err, "upgrade tripline, or choose another file with --db")
	case v < latest && readOnly:
		err := fmt.Errorf("open %s: schema %d is older than %d and the file is open for reading only", path, v, latest)
		return learn.WithHint(err, "run a command that writes, for example tripline learn, to bring it up to date")
	}
	return nil
}

// migrate brings the file from schema v to the one after the last step.
func migrate(tx *bbolt.Tx, v int, steps []step) error {
	for ; v <= len(steps); v++ {
		if err := steps[v-1](tx); err != nil {
			return fmt.Errorf("migrate from schema %d to %d: %w", v, v+1, err)
		}
		if err := setSchema(tx, v+1); err != nil {
			return err
		}
	}
	return nil
}
