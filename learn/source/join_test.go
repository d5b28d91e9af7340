package source_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tripline/learn"
	"tripline/learn/source"
)

// A reel is a stream of records that are known beforehand. Its cursor is how many
// were read.
type reel struct {
	name    string
	records []source.Record
	at      int
	end     atomic.Int64 // of what is there by now
	closed  bool
	fail    error // at the end
	woken   chan struct{}
}

// moments makes a reel of records at these seconds; a negative one is a record
// that cannot be read.
func moments(name string, seconds ...int) *reel {
	t := &reel{name: name, woken: make(chan struct{}, 1)}
	t.end.Store(int64(len(seconds)))
	for _, s := range seconds {
		t.records = append(t.records, source.Record{Flow: learn.Flow{Time: time.Unix(int64(s), 0).UTC(), Name: name}})
	}
	return t
}

func (t *reel) Next(r *source.Record) error {
	if t.at == int(t.end.Load()) {
		if t.fail != nil {
			return t.fail
		}
		return io.EOF
	}
	t.at++
	*r = t.records[t.at-1]
	if r.Time.Unix() < 0 {
		*r = source.Record{}
		return &source.RecordError{Source: t.name, Line: t.at, Cause: source.BadTime}
	}
	return nil
}

func (t *reel) Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-t.woken:
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

func (t *reel) Cursor() ([]byte, error)              { return json.Marshal(t.at) }
func (t *reel) Finished() (map[string][]byte, error) { return map[string][]byte{t.name: nil}, nil }
func (t *reel) Stats() source.Stats                  { return source.Stats{Lines: int64(t.at)} }
func (t *reel) Progress() (done, total int64)        { return int64(t.at), t.end.Load() }
func (t *reel) File() string                         { return t.name }
func (t *reel) Close() error                         { t.closed = true; return nil }

func (t *reel) part(ahead time.Duration) source.Part {
	return source.Part{Name: t.name, Ahead: ahead, Open: func(cursor []byte) (source.Stream, error) {
		if cursor == nil {
			return t, nil
		}
		return t, json.Unmarshal(cursor, &t.at)
	}}
}

func join(t *testing.T, cursor []byte, parts ...source.Part) source.Stream {
	t.Helper()
	s, err := source.Join(parts, cursor, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// told is what a stream returns, up to limit records or to its end.
func told(t *testing.T, s source.Stream, limit int) (list []string) {
	t.Helper()
	var r source.Record
	for len(list) < limit {
		err := s.Next(&r)
		if errors.Is(err, io.EOF) {
			return list
		}
		if bad, ok := errors.AsType[*source.RecordError](err); ok {
			list = append(list, fmt.Sprintf("%s bad %d", bad.Source, bad.Line))
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprintf("%s %d", s.File(), r.Time.Unix()))
	}
	return list
}

const everything = 1 << 20

func TestJoinGoesByTime(t *testing.T) {
	a, b := moments("a", 1, 4, 5, 9), moments("b", 2, 3, 6)
	got := told(t, join(t, nil, a.part(0), b.part(0)), everything)
	want := []string{"a 1", "b 2", "b 3", "a 4", "a 5", "b 6", "a 9"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestJoinReadsAhead(t *testing.T) {
	a, b := moments("a", 1, 4, 9), moments("b", 2, 7, 13)
	got := told(t, join(t, nil, a.part(0), b.part(4*time.Second)), everything)
	want := []string{"b 2", "a 1", "b 7", "a 4", "a 9", "b 13"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestJoinKeepsEachPartsOrder(t *testing.T) {
	got := told(t, join(t, nil, moments("a", 5, 1, 7).part(0), moments("b", 6).part(0)), everything)
	if want := []string{"a 5", "a 1", "b 6", "a 7"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A restart at any record goes on with the next one, also with what was read
// ahead, and with what could not be read.
func TestJoinGoesOnBehindItsCursor(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	reels := func() (parts []source.Part) {
		rng := rand.New(rand.NewPCG(rng.Uint64(), 5))
		for i := range 3 {
			var seconds []int
			for range rng.IntN(8) {
				seconds = append(seconds, rng.IntN(20)-2)
			}
			parts = append(parts, moments(fmt.Sprint("t", i), seconds...).part(time.Duration(i)*time.Second))
		}
		return parts
	}
	for range 50 {
		parts := reels()
		all := told(t, join(t, nil, parts...), everything)
		for n := range len(all) + 1 {
			for _, p := range parts {
				rewind(t, p)
			}
			s := join(t, nil, parts...)
			got := told(t, s, n)
			cursor, err := s.Cursor()
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, told(t, join(t, cursor, parts...), everything)...)
			if !slices.Equal(got, all) {
				t.Fatalf("restart after %d: got %v, want %v", n, got, all)
			}
		}
	}
}

func rewind(t *testing.T, p source.Part) {
	t.Helper()
	if _, err := p.Open([]byte("0")); err != nil {
		t.Fatal(err)
	}
}

func TestJoinSumsAndCloses(t *testing.T) {
	a, b := moments("a", 1, 4), moments("b", 2, -1, 3)
	s := join(t, nil, a.part(0), b.part(0))
	told(t, s, everything)
	left, err := s.Finished()
	done, total := s.Progress()
	if st := s.Stats(); st.Lines != 5 || done != 5 || total != 5 || err != nil || len(left) != 2 {
		t.Errorf("got %d lines, %d of %d, %v, %v", st.Lines, done, total, left, err)
	}
	if err := s.Close(); err != nil || !a.closed || !b.closed {
		t.Errorf("got %v, closed %v %v", err, a.closed, b.closed)
	}
}

func TestJoinEndsWhereAPartDoes(t *testing.T) {
	a, b := moments("a", 1), moments("b", 2)
	b.end.Store(0)
	b.fail = errors.New("read b: gone")
	var r source.Record
	if err := join(t, nil, a.part(0), b.part(0)).Next(&r); !errors.Is(err, b.fail) {
		t.Errorf("got %v, want %v", err, b.fail)
	}
}

func TestJoinClosesWhatItOpened(t *testing.T) {
	a := moments("a", 1)
	refused := errors.New("no")
	b := source.Part{Name: "b", Open: func([]byte) (source.Stream, error) { return nil, refused }}
	if _, err := source.Join([]source.Part{a.part(0), b}, nil, nil); !errors.Is(err, refused) || !a.closed {
		t.Errorf("got %v, closed %v", err, a.closed)
	}
	if _, err := source.Join(nil, []byte("{"), nil); err == nil {
		t.Error("a cursor that is none was taken")
	}
}

// What comes to two parts at nearly the same moment is told in its order,
// whichever is written first; and nothing waits longer than that.
func TestJoinWaitsForTheOthersAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := moments("a", 1, 4), moments("b", 2, 3)
		a.end.Store(1)
		b.end.Store(1)
		s := join(t, nil, a.part(0), b.part(0))
		got := told(t, s, everything)
		go func() {
			time.Sleep(time.Second)
			a.end.Store(2)
			a.woken <- struct{}{}
			time.Sleep(20 * time.Millisecond)
			b.end.Store(2)
		}()
		start := time.Now()
		if err := s.Wait(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < time.Second+20*time.Millisecond || took > 2*time.Second {
			t.Errorf("waited %v, want a moment more than a second", took)
		}
		got = append(got, told(t, s, everything)...)
		if want := []string{"a 1", "b 2", "b 3", "a 4"}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if err := s.Wait(t.Context(), time.Second); err != nil {
			t.Errorf("nothing came: got %v, want no error", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Wait(ctx, time.Second); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want it canceled", err)
		}
	})
}
