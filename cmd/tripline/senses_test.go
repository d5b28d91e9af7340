package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tripline/enforce"
	"tripline/enforce/alert"
	"tripline/ipranges"
	"tripline/learn"
	"tripline/learn/source"
	"tripline/store"
)

// following is a watching of a log that is followed, with what it tells and says.
func following(t *testing.T, src source.Source, path string) (w *watching, told, said *strings.Builder) {
	t.Helper()
	told, said = &strings.Builder{}, &strings.Builder{}
	db := filepath.Join(t.TempDir(), "t.db")
	s, err := store.Open(db, store.Options{})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	p, err := enforce.Compile([]*learn.Baseline{{Agent: "bot"}}, ipranges.Space{}, learn.NewNever(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	a := &app{stdout: told, stderr: said, dbPath: db}
	w = &watching{
		a: a, o: &enforceOptions{input: input{follow: true}}, names: []string{"bot"}, tally: newTally(), src: src, path: path,
		watch: enforce.NewWatch(p, enforce.Service()), out: bufio.NewWriter(told),
		write: func(w io.Writer, a *enforce.Alert) error { return errors.Join(alertText(w, a)) },
	}
	if w.quiet, err = enforce.NewQuiet(nil, nil); err != nil {
		t.Fatal(err)
	}
	again(t, w)
	return w, told, said
}

// again begins the senses of a watching, as a restart does.
func again(t *testing.T, w *watching) {
	t.Helper()
	w.sight = sight{}
	p, err := newSenses(w)
	if err != nil {
		t.Fatal(err)
	}
	w.parts = []part{p}
}

func alertText(w io.Writer, a *enforce.Alert) error {
	format, err := alert.FindFormat("text")
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(w, a.Status, " ")
	return errors.Join(err, format.Write(w, a))
}

// ticks lets time pass, second by second of the wall clock, with the monotonic clock.
func ticks(t *testing.T, w *watching, from, to time.Duration, base time.Time) {
	t.Helper()
	for at := from; at <= to; at += 10 * time.Second {
		if err := w.senses.tick(t.Context(), base.Add(at)); err != nil {
			t.Fatal(err)
		}
	}
}

// A source that falls silent is told once, fails the check of its name, and is over
// when it speaks again; also one of several that are read together.
func TestSilenceIsAFinding(t *testing.T) {
	w, told, said := following(t, source.Source{Name: "filterlog"}, "fw.log")
	base := w.a.now()
	ticks(t, w, 0, 3*enforce.RhythmFloor, base)
	if n := strings.Count(told.String(), "new sensor_silent  high  fw.log"); n != 1 {
		t.Errorf("told %d times:\n%s", n, told)
	}
	if n := strings.Count(said.String(), "tripline: warning: fw.log: no record came for 10 minutes: it is not known whether nothing happened"); n != 1 {
		t.Errorf("said %d times:\n%s", n, said)
	}
	w.health.turn(base)
	if _, list := w.health.troubles(base); len(list) != 1 || list[0].Check != "source filterlog" {
		t.Errorf("health: %+v", list)
	}
	now := base.Add(3*enforce.RhythmFloor + time.Second)
	w.senses.heard(nil, &source.Record{Flow: learn.Flow{Time: now}}, nil, now)
	ticks(t, w, 3*enforce.RhythmFloor+time.Minute, 3*enforce.RhythmFloor+2*time.Minute, base)
	if n := strings.Count(told.String(), "resolved sensor_silent"); n != 1 {
		t.Errorf("resolved %d times:\n%s", n, told)
	}
	if _, list := w.health.troubles(base); len(list) > 0 {
		t.Errorf("health: %+v", list)
	}
}

// partly is a stream whose last record came from a part.
type partly struct {
	source.Stream
	part string
}

func (p partly) Part() string { return p.part }

func TestOneOfSeveralFallsSilent(t *testing.T) {
	fw, eve := source.Input{Source: source.Source{Name: "filterlog"}, Path: "/log/fw.log"}, source.Input{Source: source.Source{Name: "eve"}, Path: "/log/eve.json"}
	src, path := source.Together([]source.Input{fw, eve})
	w, told, _ := following(t, src, path)
	base := w.a.now()
	for at := time.Duration(0); at < 2*enforce.RhythmFloor; at += time.Minute {
		now := base.Add(at)
		w.senses.heard(partly{part: "eve /log/eve.json"}, &source.Record{Flow: learn.Flow{Time: now}}, nil, now)
		ticks(t, w, at, at, base)
	}
	if got := told.String(); !strings.Contains(got, "new sensor_silent  high  /log/fw.log") || strings.Contains(got, "sensor_silent  high  /log/eve.json") {
		t.Errorf("got\n%s", got)
	}
}

// What was learned of a rhythm, and a silence that lasts, survive a restart.
func TestSensesSurviveARestart(t *testing.T) {
	w, _, _ := following(t, source.Source{Name: "filterlog"}, "fw.log")
	now := w.a.now()
	for at := now.Add(-14 * 24 * time.Hour); at.Before(now); at = at.Add(time.Minute) {
		w.senses.heard(nil, &source.Record{Flow: learn.Flow{Time: at}}, nil, at)
	}
	before := w.senses.latest.Rhythm.Limit()
	if err := w.senses.close(); err != nil {
		t.Fatal(err)
	}
	again(t, w)
	one := w.senses.by[""]
	if got := one.Rhythm.Limit(); got != before || got.Often == 0 {
		t.Errorf("got %v, want %v", got, before)
	}
	if now.Sub(one.Heard) > 2*time.Minute || now.Sub(one.Heard) < time.Second {
		t.Errorf("it was heard %s ago", now.Sub(one.Heard))
	}
}

// The clock of this machine jumps: it is told once, and no silence is made of it.
func TestClockOfThisMachine(t *testing.T) {
	w, told, _ := following(t, source.Source{Name: "filterlog"}, "fw.log")
	base := w.a.now()
	ticks(t, w, 0, time.Minute, base)
	w.senses.tick0 = w.senses.tick0.Round(0) // without a monotonic clock there is nothing to compare with
	if err := w.senses.machine(base.Add(time.Minute).Round(0)); err != nil || told.Len() > 0 {
		t.Fatalf("%v\n%s", err, told)
	}
	if err := w.senses.jump(365*24*time.Hour, base.AddDate(1, 0, 0)); err != nil {
		t.Fatal(err)
	}
	later := base.AddDate(1, 0, 0)
	ticks(t, w, time.Second, time.Minute, later)
	if got := told.String(); strings.Count(got, "new clock_jump  low  this machine") != 1 || strings.Contains(got, "sensor_silent") {
		t.Errorf("got\n%s", got)
	}
	ticks(t, w, 2*time.Minute, enforce.RhythmFloor-time.Minute, later)
	w.senses.by[""].Heard = later.Add(2 * time.Hour)
	ticks(t, w, 2*time.Hour, 2*time.Hour, later)
	if got := told.String(); strings.Count(got, "resolved clock_jump") != 1 {
		t.Errorf("it is not over after an hour:\n%s", got)
	}
}

// A log whose lines cannot be read any more is told, and when they can again.
func TestUnparsableIsAFinding(t *testing.T) {
	w, told, _ := following(t, source.Source{Name: "filterlog"}, "fw.log")
	base := w.a.now()
	feed := func(from time.Duration, bad bool) {
		for i := range 100 {
			now := base.Add(from + time.Duration(i)*time.Second)
			var err error
			if bad {
				err = &source.RecordError{Cause: source.TooLong}
			}
			w.senses.heard(nil, &source.Record{Flow: learn.Flow{Time: now}}, err, now)
		}
		ticks(t, w, from+shareEvery, from+shareEvery, base)
	}
	feed(0, false)
	feed(shareEvery, true)
	feed(2*shareEvery, true)
	feed(3*shareEvery, false)
	got := told.String()
	if strings.Count(got, "new unparsable  high  fw.log") != 1 || strings.Count(got, "resolved unparsable") != 1 {
		t.Errorf("got\n%s", got)
	}
	if !strings.Contains(got, "100 % of its records cannot be read, 0.0 % could not before") {
		t.Errorf("got\n%s", got)
	}
}

// Stamps that go back are told, once for an hour.
func TestClockOfALog(t *testing.T) {
	w, told, _ := following(t, source.Source{Name: "filterlog"}, "fw.log")
	base := w.a.now()
	ticks(t, w, 0, 0, base)
	for i := range 600 {
		now := base.Add(time.Duration(i) * time.Second)
		stamp := now
		if i > 300 {
			stamp = now.Add(-time.Hour)
		}
		w.senses.heard(nil, &source.Record{Flow: learn.Flow{Time: stamp}}, nil, now)
	}
	ticks(t, w, 600*time.Second, 600*time.Second, base)
	if got := told.String(); strings.Count(got, "new clock_jump  medium  fw.log") != 1 {
		t.Errorf("got\n%s", got)
	}
}
