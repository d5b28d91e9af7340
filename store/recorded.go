package store

import (
	"go.etcd.io/bbolt"

	"tripline/learn"
)

// bChecked holds blocks as bFlows does, of what nothing is learned from. It is made
// when it is first needed.
const bChecked = "checked"

// A Recorded is a flow as it is kept.
type Recorded struct {
	learn.Flow
	Run     string // that saw it, "" if it was checked
	Checked bool   // nothing is learned from it
	Lasting bool   // its end is not known: it goes on, or its source was killed
}

// A Reading is how far [Store.Page] has come. The zero value begins.
type Reading struct {
	extent *extent // what was there when it began
	bucket int     // in recordedIn
	at     uint64  // the next block
}

// recordedIn are the buckets of what is recorded, in the order of reading.
var recordedIn = [...]string{bFlows, bChecked}

// Page returns the next flows of all that are recorded: what was learned and then what
// was checked, each in the order of commits, those that have not ended last. It ends
// with what was there when it began, and false says that this was all. The store may
// be closed and opened again between two pages, for others to write.
func (s *Store) Page(r *Reading) (page []Recorded, more bool, err error) {
	if r.extent == nil {
		e, err := s.extent("")
		if err != nil {
			return nil, false, err
		}
		r.extent = &e
	}
	if r.bucket == len(recordedIn) {
		return nil, false, nil
	}
	bucket := recordedIn[r.bucket]
	at, h, flows, err := s.blockFrom(bucket, r.at, nil)
	switch {
	case err != nil:
		return nil, false, err
	case at > r.extent.last[bucket]:
		r.bucket, r.at = r.bucket+1, 0
		return r.extent.ofKind(bucket == bChecked), true, nil
	}
	r.at = at + 1
	for i := range flows {
		page = append(page, Recorded{Flow: flows[i], Run: h.run, Checked: bucket == bChecked})
	}
	return page, true, nil
}

// ofKind returns what lasts and was only checked, or was not.
func (e *extent) ofKind(checked bool) (list []Recorded) {
	for i := range e.lasting {
		if e.lasting[i].Checked == checked {
			list = append(list, e.lasting[i])
		}
	}
	return list
}

// putChecked keeps what nothing is learned from: it is of no run.
func putChecked(tx *bbolt.Tx, c *codec, flows []learn.Flow) error {
	if len(flows) == 0 {
		return nil
	}
	p, err := pack(c, "", flows)
	if err != nil {
		return err
	}
	b, err := tx.CreateBucketIfNotExists([]byte(bChecked))
	if err != nil {
		return err
	}
	return appendBlocks(b, p.blocks)
}
