package source

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"tripline/learn"
)

// Bounds of what is remembered of connections: names until their end is read,
// and how many of them are kept in a cursor.
const (
	mostSightings  = 1 << 17 // in one of two generations
	keptSightings  = 255
	mostNamesKnown = 1 << 14
)

// A sighting is what one connection was seen to say, under its uid.
type sighting struct {
	name    string
	by      learn.Evidence
	counted bool // by what named it
}

// sightings remember connections by the hash of their uid, in two generations:
// when one is full, the one before it is forgotten.
type sightings struct {
	alone       bool // conn is not read: what names a connection counts it
	now, before map[uint64]sighting
	latest      [keptSightings]uint64 // those seen last, in a ring
	at          int
}

func newSightings(alone bool) *sightings {
	return &sightings{alone: alone, now: map[uint64]sighting{}}
}

// note remembers a name, if it is better evidence than what was known, and says
// whether the connection is new.
func (s *sightings) note(uid uint64, name string, by learn.Evidence) (first bool) {
	if uid == 0 {
		return true
	}
	was, known := s.find(uid)
	if known && (by <= was.by || s.alone) {
		return false
	}
	s.put(uid, sighting{name, by, s.alone})
	return !known
}

// end returns what was seen of a connection that has ended, and no more will be
// asked for. Where it is the first to tell of it, what comes later is not to
// count it again.
func (s *sightings) end(uid uint64) sighting {
	is, known := s.find(uid)
	switch {
	case uid == 0:
	case !s.alone:
		delete(s.now, uid)
		delete(s.before, uid)
	case !known:
		s.put(uid, sighting{})
	}
	return is
}

func (s *sightings) find(uid uint64) (sighting, bool) {
	is, ok := s.now[uid]
	if !ok {
		is, ok = s.before[uid]
	}
	return is, ok
}

func (s *sightings) put(uid uint64, is sighting) {
	if len(s.now) >= mostSightings {
		s.now, s.before = map[uint64]sighting{}, s.now
	}
	if _, known := s.find(uid); !known {
		s.latest[s.at] = uid
		s.at = (s.at + 1) % len(s.latest)
	}
	s.now[uid] = is
}

// A keptSighting is one in a cursor.
type keptSighting struct {
	UID  uint64         `json:"u"`
	Name string         `json:"n,omitempty"`
	By   learn.Evidence `json:"e,omitempty"`
}

// State implements [Memory]: the connections that were seen last. Where they are
// only not to be counted twice, their names are not needed.
func (s *sightings) State() []byte {
	if s.alone {
		return s.uids()
	}
	list := []keptSighting{}
	for uid, is := range s.last() {
		list = append(list, keptSighting{uid, is.name, is.by})
	}
	text, err := json.Marshal(list)
	if err != nil {
		panic("tripline: internal error: sightings cannot be encoded: " + err.Error())
	}
	return text
}

// last walks over the connections that were seen last, the oldest first.
func (s *sightings) last() iter.Seq2[uint64, sighting] {
	return func(yield func(uint64, sighting) bool) {
		for i := range s.latest {
			uid := s.latest[(s.at+i)%len(s.latest)]
			if is, ok := s.find(uid); ok && !yield(uid, is) {
				return
			}
		}
	}
}

// uidMark begins the short form of the state; the other one is JSON.
const uidMark = 'u'

// uids is the short form of the state. All uids are odd; an even one was not
// counted by what named it.
func (s *sightings) uids() []byte {
	state := []byte{uidMark}
	for uid, is := range s.last() {
		if !is.counted {
			uid &^= 1
		}
		state = binary.BigEndian.AppendUint64(state, uid)
	}
	return state
}

// Restore implements [Memory]. What is known already stays. A directory may have
// been read before conn was in it: the state says in which form it is.
func (s *sightings) Restore(state []byte) error {
	if len(state) == 0 {
		return nil
	}
	if state[0] == uidMark {
		return s.restoreUIDs(state[1:])
	}
	var list []keptSighting
	if err := json.Unmarshal(state, &list); err != nil {
		return fmt.Errorf("state of zeek logs: %w", err)
	}
	for _, k := range list {
		s.restore(k.UID, sighting{name: k.Name, by: k.By})
	}
	return nil
}

func (s *sightings) restoreUIDs(state []byte) error {
	if len(state)%8 != 0 {
		return errors.New("state of a zeek log: it is not what was kept")
	}
	for ; len(state) > 0; state = state[8:] {
		uid := binary.BigEndian.Uint64(state)
		s.restore(uid|1, sighting{counted: uid&1 != 0})
	}
	return nil
}

func (s *sightings) restore(uid uint64, is sighting) {
	if _, known := s.find(uid); !known && uid != 0 {
		s.put(uid, is)
	}
}

// A nameCache keeps one string for each name that was met, so that those which
// many lines repeat are checked once. It forgets them all when there are too
// many. The zero value is ready.
type nameCache struct{ known map[string]string }

// get returns the canonical name, "" for what is none.
func (c *nameCache) get(text []byte) string {
	if len(text) == 0 || len(text) > 512 {
		return ""
	}
	name, ok := c.known[string(text)]
	if ok {
		return name
	}
	if c.known == nil || len(c.known) >= mostNamesKnown {
		c.known = make(map[string]string)
	}
	own := string(text)
	if name, ok = learn.CanonicalName(own); !ok {
		name = ""
	}
	c.known[own] = name
	return name
}
