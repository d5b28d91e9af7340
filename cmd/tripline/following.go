package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"tripline/enforce"
	"tripline/ipranges"
	"tripline/learn"
	"tripline/learn/source"
)

// A vigil says, while a log is followed, what else would be seen only at the
// end: that there is no log, that it fell silent, that it has gaps or lines that
// cannot be read. Each is said once, not every second.
type vigil struct {
	a       *app
	path    string
	since   time.Time                // a record came
	told    bool                     // of this silence
	lost    int64                    // gaps that were told
	gone    int64                    // what was dropped or missing when that was told
	sampled uint64                   // that was told
	unread  uint64                   // unreadable records from which on they are told again
	senders map[string]source.Sender // as they were told last
	rated   time.Time                // when that was

	// found takes findings where somebody watches; nil is a warning.
	found func(kind enforce.Kind, what, text string)
}

// longSilence is how long a firewall that is at work says nothing at most.
const longSilence = 10 * time.Minute

// newVigil begins to follow a log, and says so where there is none yet.
func newVigil(a *app, src source.Source, path string) *vigil {
	if missing(src, path) {
		a.warn("%s does not exist yet: waiting for it", path)
	}
	return &vigil{a: a, path: path, since: a.now()}
}

// missing says whether a file that src reads is not there.
func missing(src source.Source, path string) bool {
	for _, p := range src.Paths(path) {
		if p == "-" || source.IsAddress(p) {
			continue
		}
		if _, err := os.Stat(p); errors.Is(err, os.ErrNotExist) {
			return true
		}
	}
	return false
}

// heard notes that something was read.
func (v *vigil) heard(now time.Time) { v.since, v.told = now, false }

// look says what has changed since it last did.
func (v *vigil) look(now time.Time, t *tally, st source.Stats) {
	if !v.told && v.found == nil && now.Sub(v.since) >= longSilence {
		v.told = true
		v.a.warn("%s: no record came for %d minutes: it is not known whether nothing happened. "+
			"What writes it may have stopped (pfSense, after a rotation: Status > Services, restart syslogd)", v.path, int(longSilence.Minutes()))
	}
	if st.Lost > v.lost {
		v.lost = st.Lost
		v.tell("gaps", gapsWords(v.path, st))
	}
	if gone := st.Dropped + st.Missing; gone > 0 && gone >= 2*v.gone {
		v.gone = gone
		v.tell("drops", goneWords(v.path, st))
	}
	if st.Sampled > max(1, v.sampled) {
		v.sampled = st.Sampled
		v.tell("sampling", sampledWords(v.path, st))
	}
	if n := t.unread(); n > 0 && n >= v.unread {
		v.unread = 10 * n // a log of nothing else is not to fill another one
		v.a.warn("%s: %s so far", v.path, count(n, "unreadable record", "unreadable records"))
	}
}

// end says what was lost since that was told, with all before it.
func (v *vigil) end(st source.Stats) {
	if st.Lost > v.lost {
		v.a.warn("%s", gapsWords(v.path, st))
	}
	if st.Dropped+st.Missing > v.gone {
		v.a.warn("%s", goneWords(v.path, st))
	}
	if st.Sampled > max(1, v.sampled) {
		v.a.warn("%s", sampledWords(v.path, st))
	}
}

// tell says what was lost: as a finding, or as a warning.
func (v *vigil) tell(what, text string) {
	if v.found == nil {
		v.a.warn("%s", text)
		return
	}
	v.found(enforce.LogGap, what, text)
}

func gapsWords(name string, st source.Stats) string {
	return fmt.Sprintf("%s: %s: files were rotated away before they were read (%s bytes known)", name,
		count(uint64(st.Lost), "gap", "gaps"), ipranges.Thousands(uint64(max(0, st.LostBytes))))
}

// goneWords says what was sent and not read.
func goneWords(name string, st source.Stats) string {
	dropped := count(uint64(st.Dropped), "record", "records") + " dropped because they came too fast"
	missing := " missing by sequence number"
	switch {
	case st.Missing == 0:
		return name + ": " + dropped
	case st.Dropped == 0:
		return name + ": " + count(uint64(st.Missing), "record", "records") + missing
	}
	return name + ": " + dropped + ", " + ipranges.Thousands(uint64(st.Missing)) + missing
}

// sampledWords says that most of the traffic was never looked at.
func sampledWords(name string, st source.Stats) string {
	return fmt.Sprintf("%s: only one packet in %s is looked at: most short connections are missed, and bytes are a share", name, ipranges.Thousands(st.Sampled))
}

// errMissing says that a log was waited for in vain.
func errMissing(what string) error {
	return learn.WithHint(fmt.Errorf("%s does not exist: nothing was read", what), "check the name of the log, such as /var/log/filter.log")
}
