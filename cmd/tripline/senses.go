package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tripline/enforce"
	"tripline/learn"
	"tripline/learn/source"
	"tripline/store"
)

// Senses watch the sources themselves while they are followed: that they are not
// silent longer than they use to be, that their clocks and this machine's do not
// jump, and that what they say can be read.
type senses struct {
	w      *watching
	by     map[string]*sense
	latest *sense
	live   bool        // all there was has been read once
	news   []blindness // since the last tick
	tick0  time.Time   // the last tick, with the monotonic clock
	saved  time.Time
}

// A sense is what is known of one source.
type sense struct {
	Rhythm enforce.Rhythm `json:"rhythm"`
	Share  enforce.Share  `json:"share"`
	Heard  time.Time      `json:"heard"` // a readable record came

	label string // in metrics
	path  string // in words
	key   string // of its state
	clock enforce.Clock
	ended time.Time // the window of Share
	tells bool      // that it is silent
}

const (
	shareEvery  = 5 * time.Minute
	sensesEvery = time.Hour       // what they learned is kept
	machineJump = 5 * time.Second // more than network time steps
)

// newSenses makes them for each input.
func newSenses(w *watching) (part, error) {
	if !w.o.follow || w.src.Name == sandboxSource.Name {
		return nil, nil //nolint:nilnil // a recorded log is as it is, and a command speaks when it likes
	}
	s := &senses{w: w, by: map[string]*sense{}, tick0: w.a.now(), saved: w.a.now()}
	if len(w.src.Parts) == 0 {
		s.add("", w.src.Name, w.src.Name, w.path)
	}
	for _, in := range w.src.Parts {
		label := in.Source.Name
		if s.labelled(label) {
			label += "=" + in.Path
		}
		s.add(in.Source.Name+" "+in.Source.Absolute(in.Path), label, in.Source.Name, in.Path)
	}
	w.senses = s
	return s, nil
}

func (s *senses) labelled(label string) bool {
	for _, one := range s.by {
		if one.label == label {
			return true
		}
	}
	return false
}

// add makes one sense, with what it learned before.
func (s *senses) add(part, label, name, path string) {
	one := &sense{label: label, path: path, key: "rhythm\x00" + name + "\x00" + source.Source{}.Absolute(path)}
	s.by[part] = one
	err := s.w.a.read(func(st *store.Store) error {
		state, err := st.State(one.key)
		if err == nil && state != nil {
			err = json.Unmarshal(state, one)
		}
		return err
	})
	if err != nil {
		s.w.a.warn("%s: what was learned of its rhythm is lost, it is learned again: %v", path, err)
		*one = sense{label: label, path: path, key: one.key}
	}
	now := s.w.a.now()
	if source.IsAddress(path) || path == "-" || one.Heard.IsZero() || one.Heard.After(now) {
		one.Heard = now // nobody listened before
	}
	one.ended = now
}

// heard is told of whatever Next returned.
func (s *senses) heard(st source.Stream, r *source.Record, err error, now time.Time) {
	one := s.of(st)
	one.Share.All++
	if bad, is := recordError(err); is {
		if bad.Cause == source.OtherProgram {
			one.Share.All--
		} else {
			one.Share.Bad++
		}
		return
	}
	if err != nil {
		return
	}
	one.Heard = now
	one.Rhythm.Heard(r.Time)
	if !s.live || r.TimeAssumed {
		return
	}
	if jump, is := one.clock.Heard(r.Time, now); is {
		s.jumped(one, jump)
	}
}

// of returns the sense of the source that the last record came from.
func (s *senses) of(st source.Stream) *sense {
	if j, ok := st.(interface{ Part() string }); ok && len(s.w.src.Parts) > 0 {
		if one := s.by[j.Part()]; one != nil {
			return one
		}
	}
	if s.latest == nil {
		for _, one := range s.by {
			s.latest = one
		}
	}
	return s.latest
}

func (s *senses) jumped(one *sense, jump enforce.Jump) {
	by, way := jump.By.Abs().Round(time.Second), "ahead of"
	if jump.By < 0 {
		way = "back behind"
	}
	why := fmt.Sprintf("%s: its time stamps jumped by %s, %s what they were: when something happened is uncertain", one.path, by, way)
	s.news = append(s.news, blindness{
		kind: enforce.ClockJump, severity: enforce.Medium, subject: one.path, check: "clock of " + one.label, why: why, event: true,
		do: "Check the clock and the time zone of what writes it, and --tz",
	})
}

// lost takes up what the vigil says of records that never came. What is told again
// because it has grown is a warning only.
func (s *senses) lost(kind enforce.Kind, what, text string) {
	s.news = append(s.news, blindness{
		kind: kind, severity: enforce.High, subject: s.w.path + ": " + what, check: "lost", why: text, event: true,
		do: "What they said is not known; check the rotated files, log less, or read closer to the source",
	})
}

// tell raises what is new.
func (s *senses) tell(now time.Time) error {
	news := s.news
	s.news = nil
	for _, b := range news {
		isNew, err := s.w.blind(b, now)
		if err != nil {
			return err
		}
		if !isNew {
			s.w.a.warn("%s", b.why)
		}
	}
	return nil
}

func (s *senses) flow(*learn.Flow, enforce.Verdict) error { return nil }

func (s *senses) tick(_ context.Context, now time.Time) error {
	s.live = true
	errs := errors.Join(s.tell(now), s.machine(now))
	for _, one := range s.by {
		errs = errors.Join(errs, s.silent(one, now), s.readable(one, now))
	}
	if now.Sub(s.saved) >= sensesEvery {
		s.save()
		s.saved = now
	}
	return errors.Join(errs, s.w.calm(now))
}

// machine notices when the clock of this machine jumps against the one that only
// goes on.
func (s *senses) machine(now time.Time) error {
	wall, passed := now.Round(0).Sub(s.tick0.Round(0)), now.Sub(s.tick0)
	s.tick0 = now
	if jump := wall - passed; jump.Abs() >= machineJump {
		return s.jump(jump, now)
	}
	return nil
}

// jump tells that this machine's clock jumped. What is counted from a time of before
// is counted from now.
func (s *senses) jump(jump time.Duration, now time.Time) error {
	way := "ahead"
	if jump < 0 {
		way = "back"
	}
	for _, one := range s.by {
		one.Heard, one.ended, one.clock = now, now, enforce.Clock{}
	}
	why := fmt.Sprintf("the clock of this machine jumped %s by %s, or it slept: how long something was silent is counted from now", way, jump.Abs().Round(time.Second))
	_, err := s.w.blind(blindness{
		kind: enforce.ClockJump, severity: enforce.Low, subject: "this machine", check: "clock", why: why, event: true,
		do: "Check that it takes the time from the network, and only in small steps",
	}, now)
	return err
}

// silent tells when a source is silent longer than it uses to be, and when it
// speaks again.
func (s *senses) silent(one *sense, now time.Time) error {
	limit, lasted := one.Rhythm.Limit(), now.Sub(one.Heard)
	s.w.metrics.silence.set(limit.Silence.Seconds(), one.label)
	if !one.Rhythm.Last().IsZero() || one.tells {
		s.w.metrics.lastEvent.set(float64(one.Heard.Unix()), one.label)
	}
	if lasted < limit.Silence {
		one.tells = false
		return s.w.sees(enforce.SensorSilent, "", one.path, one.path+": records come again")
	}
	if !one.tells {
		one.tells = true
		one.Rhythm.Told()
	}
	_, err := s.w.blind(blindness{
		kind: enforce.SensorSilent, severity: enforce.High, subject: one.path, check: "source " + one.label,
		why: fmt.Sprintf("%s: no record came for %s: it is not known whether nothing happened. %s. %s", one.path, lapse(lasted),
			"What writes it may have stopped (pfSense, after a rotation: Status > Services, restart syslogd)", limitWords(limit)),
		do: "Look whether the log still grows",
	}, now)
	return err
}

// silence says whether a source is silent for too long: nobody knows then what happens.
func (s *senses) silence() bool {
	for _, one := range s.by {
		if one.tells {
			return true
		}
	}
	return false
}

// limitWords says why a silence is too long, and how often that is so by chance.
func limitWords(l enforce.Limit) string {
	if l.Often == 0 {
		return "Its rhythm is not learned yet"
	}
	return fmt.Sprintf("At this time of the week it is silent for %s at most; by chance longer about once in %s, if that", lapse(l.Silence), lapse(l.Often))
}

// lapse writes a duration as a person says it.
func lapse(d time.Duration) string {
	switch {
	case d >= 14*24*time.Hour:
		return count(uint64(d/(7*24*time.Hour)), "week", "weeks")
	case d >= 48*time.Hour:
		return count(uint64(d/(24*time.Hour)), "day", "days")
	case d >= 2*time.Hour:
		return count(uint64(d/time.Hour), "hour", "hours")
	case d >= 2*time.Minute:
		return count(uint64(d/time.Minute), "minute", "minutes")
	}
	return count(uint64(d/time.Second), "second", "seconds")
}

// readable tells when more records than usual cannot be read.
func (s *senses) readable(one *sense, now time.Time) error {
	if now.Sub(one.ended) < shareEvery {
		return nil
	}
	one.ended = now
	share, usual, risen, enough := one.Share.Close()
	switch {
	case risen:
		_, err := s.w.blind(blindness{
			kind: enforce.Unparsable, severity: enforce.High, subject: one.path, check: "format of " + one.label,
			why: fmt.Sprintf("%s: %.0f %% of its records cannot be read, %.1f %% could not before: what they said is not known", one.path, 100*share, 100*usual),
			do:  fmt.Sprintf("tripline flows --from %s --all shows what was understood; its format may have changed with an update", one.label),
		}, now)
		return err
	case enough:
		return s.w.sees(enforce.Unparsable, "", one.path, one.path+": its records can be read as usual")
	}
	return nil
}

// save keeps what was learned. Where that fails it is tried again in an hour.
func (s *senses) save() {
	err := s.w.a.write("enforce", func(st *store.Store) error {
		for _, one := range s.by {
			state, err := json.Marshal(one)
			if err == nil {
				err = st.PutState(one.key, state)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.w.a.warn("the rhythm of the sources could not be kept: %v", err)
	}
}

func (s *senses) close() error {
	s.save()
	return nil
}
