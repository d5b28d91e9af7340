package enforce

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tripline/ipranges"
	"tripline/learn"
)

// OneSide is the kind of a connection that one source saw and another one, which
// could have, did not: there is another way out than the one that is watched.
const OneSide Kind = "one_side"

// A Side is what a source told that did not tell of a connection.
type Side struct {
	Source  string
	By      []string // the sources that saw it
	Host    uint64   // connections of the same host that it told of
	Alike   uint64   // of those, of the same version of IP and protocol
	Service uint64   // of those, to the same port
	From    time.Time
	To      time.Time // of its first and its newest record, of anything
	Passed  bool      // it sees only what was let through
	Lossy   bool      // it lost or never looked at something
	Follow  bool      // it is followed: To is not the end of a file
	Lasting bool      // nobody saw its end, and the source tells of it only then
}

const (
	quietSide  = 10 * time.Minute // a source that says nothing for so long may be dead
	leastAlike = 3                // connections that show that a source sees such
)

// OneSided judges connections of which a source that could have seen them did not
// tell. The zero value is usable. Not safe for concurrent use.
type OneSided struct {
	Aside map[string]uint64 // connections that prove nothing, by why
}

// Observe judges one connection, and returns nil for what proves nothing.
func (o *OneSided) Observe(f *learn.Flow, s *Side) *Alert {
	why := s.proves(f)
	switch {
	case why == "" && s.To.Before(f.Time):
		return s.silent(f)
	case why == "":
		return s.lone(f)
	case o.Aside == nil:
		o.Aside = map[string]uint64{}
	}
	o.Aside[why]++
	return nil
}

// proves says why a connection that s did not tell of means nothing, "" if it
// means something.
func (s *Side) proves(f *learn.Flow) string {
	switch {
	case s.Host == 0:
		return "of hosts that the other source never told of: it is elsewhere, or behind translation of addresses"
	case s.Alike < leastAlike:
		return "of a protocol that the other source hardly ever told of"
	case s.Passed && f.Action == learn.Refused:
		return "refused, where the other source sees only what was let through"
	case s.Lossy:
		return "where the other source lost records"
	case f.Time.Before(s.From):
		return "before the other source began"
	case s.To.Before(f.Time) && !s.Follow:
		return "after the other source ended"
	case s.To.Before(f.Time) && f.Time.Sub(s.To) < quietSide:
		return "after the other source's newest record"
	}
	return ""
}

// silent finds that a source says nothing any more where others go on.
func (s *Side) silent(f *learn.Flow) *Alert {
	al := Finding(OneSide, Medium, f.Time, f.Agent, s.Source, fmt.Sprintf("%s has said nothing since %s, and %s still sees connections: it stopped, or they take another way out",
		s.Source, s.To.UTC().Format(time.DateTime), s.seen()))
	al.SeenBy, al.MissedBy = slices.Clone(s.By), s.Source
	return al
}

// lone finds a connection that took another way.
func (s *Side) lone(f *learn.Flow) *Alert {
	severity, told := High, fmt.Sprintf("%s of this host to %s: another way out", many(s.Service), f.Service())
	if s.Service == 0 {
		severity, told = Medium, fmt.Sprintf("%s of this host and none to %s: another way out, or it does not look at that port", many(s.Alike), f.Service())
	}
	if s.Lasting {
		severity, told = Medium, told+", or it still lasts: that is told of when it has ended"
	}
	return s.alert(f, severity, fmt.Sprintf("seen by %s and not by %s, which told of %s", s.seen(), s.Source, told))
}

func (s *Side) alert(f *learn.Flow, severity Severity, why string) *Alert {
	al := Finding(OneSide, severity, f.Time, f.Agent, destination(f), why)
	al.Proto, al.Dst, al.Port, al.Name, al.Evidence = f.Proto.String(), f.Dst.String(), f.Service().Port, f.Name, f.Evidence.String()
	al.Action, al.Interface, al.Tracker, al.Process = f.Action.String(), f.Interface, f.Rule, f.Process
	if f.Src.IsValid() {
		al.Src = f.Src.String()
	}
	al.SeenBy, al.MissedBy = slices.Clone(s.By), s.Source
	return al
}

// destination is where a flow goes, in a few words.
func destination(f *learn.Flow) string {
	text := learn.Endpoint(f.Dst.String(), f.Service())
	if f.Name != "" {
		text += " " + f.Name
	}
	return text
}

func (s *Side) seen() string { return strings.Join(s.By, " and ") }

func many(n uint64) string {
	if n == 1 {
		return "1 connection"
	}
	return ipranges.Thousands(n) + " connections"
}
