package store

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// bAlerts holds what was found and what people said of it. It and the buckets in it
// are made when they are first needed.
const (
	bAlerts  = "alerts"
	bKept    = "kept"    // ID -> instant last seen, instant written, open, watch, what the caller put
	bWatches = "watches" // watch -> what the caller put
	bSaid    = "said"    // key -> what the caller put
)

// An Alert is what was found, as the program wrote it.
type Alert struct {
	ID    string
	Watch string    // who goes on with it while it is open, "" nobody
	Open  bool      // it is not over
	Last  time.Time // when it was last seen, by the clock of who saw it
	Kept  time.Time // when it was last written
	Data  []byte
}

// A Watch is what a batch says of alerts: those that changed, and where whoever
// watches stands with all of them. Without a name nobody goes on with them.
type Watch struct {
	Name   string
	State  []byte
	Alerts []Alert
}

// PutAlerts keeps alerts that belong to nobody's place in a log. What a watch goes
// on with stays as it is.
func (s *Store) PutAlerts(list []Alert, at time.Time) error {
	return s.update(func(tx *bbolt.Tx) error { return putAlerts(tx, list, at) })
}

func putWatch(tx *bbolt.Tx, w *Watch, at time.Time) error {
	if w == nil {
		return nil
	}
	if w.Name != "" {
		b, err := within(tx, bWatches)
		if err == nil {
			err = b.Put([]byte(w.Name), w.State)
		}
		if err != nil {
			return fmt.Errorf("alerts of %q: %w", w.Name, err)
		}
	}
	return putAlerts(tx, w.Alerts, at)
}

func putAlerts(tx *bbolt.Tx, list []Alert, at time.Time) error {
	if len(list) == 0 {
		return nil
	}
	b, err := within(tx, bKept)
	for i := 0; err == nil && i < len(list); i++ {
		err = putAlert(b, &list[i], at)
	}
	if err != nil {
		return fmt.Errorf("keep alerts: %w", err)
	}
	return nil
}

func putAlert(b *bbolt.Bucket, a *Alert, at time.Time) error {
	if v := b.Get([]byte(a.ID)); v != nil && a.Watch == "" {
		if was, err := alertOf([]byte(a.ID), v); err != nil || was.Watch != "" || was.Last.After(a.Last) {
			return err
		}
	}
	open := byte(0)
	if a.Open {
		open = 1
	}
	v := appendText(append(appendInstant(appendInstant(nil, instantOf(a.Last)), instantOf(at)), open), a.Watch)
	return b.Put([]byte(a.ID), append(v, a.Data...))
}

// within returns a bucket in that of alerts.
func within(tx *bbolt.Tx, name string) (*bbolt.Bucket, error) {
	top, err := tx.CreateBucketIfNotExists([]byte(bAlerts))
	if err != nil {
		return nil, err
	}
	return top.CreateBucketIfNotExists([]byte(name))
}

// Watch returns what was last committed of a watch, with the alerts that it goes on
// with; nil if it is not known.
func (s *Store) Watch(name string) (w *Watch, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		b := look(tx, bWatches)
		if b == nil || b.Get([]byte(name)) == nil {
			return nil
		}
		w = &Watch{Name: name, State: bytes.Clone(b.Get([]byte(name)))}
		return eachAlert(tx, func(a *Alert) error {
			if a.Open && a.Watch == name {
				a.Data = bytes.Clone(a.Data)
				w.Alerts = append(w.Alerts, *a)
			}
			return nil
		})
	})
	return w, err
}

// Alerts returns all that are kept, the ones last seen first.
func (s *Store) Alerts() (list []Alert, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		return eachAlert(tx, func(a *Alert) error {
			a.Data = bytes.Clone(a.Data)
			list = append(list, *a)
			return nil
		})
	})
	lastFirst(list)
	return list, err
}

func lastFirst(list []Alert) {
	slices.SortFunc(list, func(a, b Alert) int { return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.ID, b.ID)) })
}

// look returns a bucket in that of alerts, nil if there is none.
func look(tx *bbolt.Tx, name string) *bbolt.Bucket {
	top := tx.Bucket([]byte(bAlerts))
	if top == nil {
		return nil
	}
	return top.Bucket([]byte(name))
}

// eachAlert calls fn with what is kept. The data is still the file's.
func eachAlert(tx *bbolt.Tx, fn func(*Alert) error) error {
	b := look(tx, bKept)
	if b == nil {
		return nil
	}
	return b.ForEach(func(k, v []byte) error {
		a, err := alertOf(k, v)
		if err != nil {
			return err
		}
		return fn(&a)
	})
}

// alertOf reads what putAlert wrote. The data is still the file's.
func alertOf(k, v []byte) (Alert, error) {
	r := reader{b: v}
	a := Alert{ID: string(k), Last: r.instant().time(), Kept: r.instant().time(), Open: r.byte() == 1, Watch: r.text()}
	if a.Data = r.b; r.bad {
		return a, damaged(fmt.Sprintf("alert %q: %v", k, errShort))
	}
	return a, nil
}

// PruneAlerts drops what was last written before a time, and beyond most what is over
// and was seen longest ago. It returns how many it dropped.
func (s *Store) PruneAlerts(before time.Time, most int) (n int, err error) {
	var list []Alert
	err = s.view(func(tx *bbolt.Tx) error {
		return eachAlert(tx, func(a *Alert) error {
			list = append(list, Alert{ID: a.ID, Open: a.Open, Last: a.Last, Kept: a.Kept})
			return nil
		})
	})
	if err != nil {
		return 0, err
	}
	lastFirst(list)
	var old []Alert
	for i, a := range list {
		if a.Kept.Before(before) || i >= most && !a.Open {
			old = append(old, a)
		}
	}
	if len(old) == 0 {
		return 0, nil
	}
	err = s.update(func(tx *bbolt.Tx) error {
		kept, err := within(tx, bKept)
		said, wrong := within(tx, bSaid)
		if err = errors.Join(err, wrong); err != nil {
			return err
		}
		for _, a := range old {
			if err := errors.Join(kept.Delete([]byte(a.ID)), said.Delete([]byte(a.ID))); err != nil {
				return fmt.Errorf("drop alert %s: %w", a.ID, err)
			}
		}
		return nil
	})
	return len(old), err
}

// A Said is what a person said of alerts. What is said under the ID of an alert is
// dropped with it.
type Said struct {
	Key  string
	Data []byte
}

// PutSaid keeps what a person said, in the place of what was said under that key;
// without data it only takes that back. It returns whether there was any.
func (s *Store) PutSaid(said Said) (was bool, err error) {
	err = s.update(func(tx *bbolt.Tx) error {
		b, err := within(tx, bSaid)
		if err != nil {
			return err
		}
		was = b.Get([]byte(said.Key)) != nil
		if len(said.Data) == 0 {
			return b.Delete([]byte(said.Key))
		}
		return b.Put([]byte(said.Key), said.Data)
	})
	return was, err
}

// Said returns what people said, by key.
func (s *Store) Said() (list []Said, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		b := look(tx, bSaid)
		if b == nil {
			return nil
		}
		return b.ForEach(func(k, v []byte) error {
			list = append(list, Said{string(k), bytes.Clone(v)})
			return nil
		})
	})
	return list, err
}

// checkAlerts reads all alerts.
func checkAlerts(tx *bbolt.Tx) error { return eachAlert(tx, func(*Alert) error { return nil }) }
