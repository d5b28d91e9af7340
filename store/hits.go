package store

import (
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"tripline/learn"
)

// bHits holds the hits of each agent. It is made when the first are committed,
// so that files of before are of the same schema.
const bHits = "hits"

// kDays is the key of the days beside those of rules, of which none begins with
// a NUL.
const kDays = "\x00days"

// mergeHits adds hits to those that are stored: as often as the same come, they
// count once.
func mergeHits(tx *bbolt.Tx, all []learn.Hits) error {
	for _, news := range all {
		top, err := tx.CreateBucketIfNotExists([]byte(bHits))
		if err != nil {
			return err
		}
		b, err := top.CreateBucketIfNotExists([]byte(news.Agent))
		if err == nil {
			err = mergeHitsOf(b, news)
		}
		if err != nil {
			return fmt.Errorf("hits of agent %q: %w", news.Agent, err)
		}
	}
	return nil
}

func mergeHitsOf(b *bbolt.Bucket, news learn.Hits) error {
	if err := mergeDays(b, news.Days); err != nil {
		return err
	}
	for to, last := range news.Last {
		r := reader{b: b.Get([]byte(to))}
		if at := instantOf(last); len(r.b) == 0 || r.instant().before(at) {
			if err := b.Put([]byte(to), appendInstant(nil, at)); err != nil {
				return err
			}
		}
	}
	return nil
}

// mergeDays writes only where a day is new: one commit a second has none.
func mergeDays(b *bbolt.Bucket, news []learn.Day) error {
	r := reader{b: b.Get([]byte(kDays))}
	h := learn.Hits{Days: daysOf(&r)}
	if r.bad {
		return damaged("days of hits: " + errShort.Error())
	}
	n := len(h.Days)
	if h.Merge(learn.Hits{Days: news}); len(h.Days) == n {
		return nil
	}
	return b.Put([]byte(kDays), appendRising(nil, h.Days))
}

func daysOf(r *reader) []learn.Day {
	if len(r.b) == 0 {
		return nil
	}
	return rising[learn.Day](r)
}

// Hits returns what was noted of the rules of an agent; nothing, if nothing was.
func (s *Store) Hits(agent string) (h learn.Hits, err error) {
	h = learn.Hits{Agent: agent, Last: map[string]time.Time{}}
	err = s.view(func(tx *bbolt.Tx) error {
		top := tx.Bucket([]byte(bHits))
		if top == nil || top.Bucket([]byte(agent)) == nil {
			return nil
		}
		return hitsOf(top.Bucket([]byte(agent)), &h)
	})
	return h, err
}

func hitsOf(b *bbolt.Bucket, h *learn.Hits) error {
	return b.ForEach(func(k, v []byte) error {
		r := reader{b: v}
		if string(k) == kDays {
			h.Days = daysOf(&r)
		} else {
			h.Last[string(k)] = r.instant().time()
		}
		if err := r.err(); err != nil {
			return damaged(fmt.Sprintf("hits of agent %q: %q: %v", h.Agent, k, err))
		}
		return nil
	})
}

// checkHits reads all hits.
func checkHits(tx *bbolt.Tx) error {
	top := tx.Bucket([]byte(bHits))
	if top == nil {
		return nil
	}
	return eachAgent(top, "", func(agent string, b *bbolt.Bucket) error {
		return hitsOf(b, &learn.Hits{Agent: agent, Last: map[string]time.Time{}})
	})
}
