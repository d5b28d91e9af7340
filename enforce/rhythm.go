package enforce

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A Rhythm learns how long a source is silent in each hour of the week, and says
// from when on its silence is none that it is known for: nights and weekends are
// quiet, bursts are far apart, and a sensor that died is neither.
//
// What counts is the longest silence that began in each hour, once an hour, not
// each silence: a thousand short ones say nothing of a long one. Such a silence is
// measured against the typical one of its hour of the week, and the limit is how
// far past ones went beyond theirs: the largest of n past ratios is exceeded by the
// next one with a chance of 1 in n+1, whatever their distribution, as long as one
// week is like another. [Rhythm.Limit] says how often that is.
//
// The zero value has learned nothing. Its memory is bounded: [rhythmWeeks] values
// for each hour of the week. Not safe for concurrent use.
type Rhythm struct {
	last    int64 // seconds since 1970, by the stamps of the source
	longest int64 // silence that began in the hour of last
	told    bool  // that it is silent now
	cells   [hoursOfWeek][]silence
	ratio   float64 // how far silences went beyond what is typical
	often   float64 // weeks in which a silence goes beyond that by chance once
	stale   bool    // ratio and often are to be computed again
	resumed bool    // nobody listened for a while: the next silence was not heard
}

// A silence is its seconds; negative where it was told as too long.
type silence int32

func (s silence) seconds() int64 { return int64(max(s, -s)) }

const (
	hoursOfWeek = 7 * 24
	rhythmWeeks = 12
	hour        = int64(time.Hour / time.Second)

	// RhythmFloor is the silence that is never too long: syslog, batches and
	// buffers alone hold records back for minutes.
	RhythmFloor = 10 * time.Minute
	// rhythmLearned is from how many hours on a rhythm is known at all.
	rhythmLearned = 24
	// rhythmRoom is for what comes at the stroke of the clock, give or take seconds.
	rhythmRoom = 1.1
	// rhythmLeap is what one stamp is not believed: a clock that jumps by a year
	// is no silence of a year.
	rhythmLeap = 60 * 24 * hour
	// rhythmBack is how far stamps go back before the clock is taken to be another.
	rhythmBack = 26 * hour
)

// Heard notes a record with its stamp. What comes late is passed over.
func (r *Rhythm) Heard(stamp time.Time) {
	s := stamp.Unix()
	switch gap := s - r.last; {
	case r.resumed && gap > 0, r.last == 0 || gap > rhythmLeap || gap < -rhythmBack:
		r.last, r.longest, r.told, r.resumed = s, 0, false, false
	case gap > 0:
		r.longest = max(r.longest, gap)
		if s/hour != r.last/hour {
			r.keep()
		}
		r.last = s
	}
}

// Told notes that the silence which lasts now was told as too long. It will shape
// what is typical of its hour, but not at once how far silences go beyond that.
func (r *Rhythm) Told() { r.told = true }

// keep closes the hour of the last record.
func (r *Rhythm) keep() {
	c := &r.cells[cellOf(r.last)]
	if len(*c) >= rhythmWeeks {
		*c = slices.Delete(*c, 0, 1)
	}
	s := silence(r.longest)
	if r.told {
		s = -s
	}
	*c = append(*c, s)
	r.longest, r.told, r.stale = 0, false, true
}

// cellOf returns the hour of the week of an instant; which day is the first does
// not matter.
func cellOf(s int64) int { return int((s/hour%hoursOfWeek + hoursOfWeek) % hoursOfWeek) }

// Last returns the stamp of the newest record, the zero time if there was none.
func (r *Rhythm) Last() time.Time {
	if r.last == 0 {
		return time.Time{}
	}
	return time.Unix(r.last, 0).UTC()
}

// A Limit is how long a source may be silent.
type Limit struct {
	Silence time.Duration
	// Often is in how long a time a silence that is none of a sensor goes beyond
	// it by chance, about; 0 where too little was heard to say.
	Often time.Duration
}

// Limit returns how long the silence after the last record may last.
func (r *Rhythm) Limit() Limit {
	if r.stale {
		r.measure()
	}
	cell := cellOf(r.last)
	if r.often == 0 {
		return Limit{Silence: max(RhythmFloor, 2*time.Duration(r.longestEver())*time.Second)}
	}
	return Limit{
		Silence: time.Duration(rhythmRoom * r.ratio * r.typical(cell, -1) * float64(time.Second)),
		Often:   time.Duration(r.often * 7 * 24 * float64(time.Hour)),
	}
}

func (r *Rhythm) longestEver() (s int64) {
	for _, c := range r.cells {
		for _, v := range c {
			s = max(s, v.seconds())
		}
	}
	return s
}

// measure finds how far silences go beyond what is typical of their hour, each
// compared with the others. Those that were told may be as many as the highest
// ratios are left out, and then chance is given as much more.
func (r *Rhythm) measure() {
	var ratios []float64
	told, cells := 0, 0
	for c := range r.cells {
		if len(r.cells[c]) > 0 {
			cells++
		}
		for i, v := range r.cells[c] {
			ratios = append(ratios, float64(v.seconds())/r.typical(c, i))
			if v < 0 {
				told++
			}
		}
	}
	r.stale = false
	if r.ratio, r.often = 0, 0; len(ratios) < rhythmLearned {
		return
	}
	slices.Sort(ratios)
	k := 1 + min(told, len(ratios)/(2*hoursOfWeek))
	r.ratio = max(1, ratios[len(ratios)-k])
	r.often = float64(len(ratios)+1) / float64(k) / float64(cells)
}

// typical returns the seconds that the longest silence of an hour of the week
// lasts, but for the value at skip: the highest median of that hour and of the ones
// beside it, since work begins and ends a little earlier or later. Where the hour
// was not seen often enough it is the longest of the same hours of other days.
func (r *Rhythm) typical(cell, skip int) float64 {
	others := len(r.cells[cell])
	if skip >= 0 {
		others--
	}
	longest := int64(RhythmFloor / time.Second)
	for side := cell - 1; side <= cell+1; side++ {
		if others >= 2 {
			longest = max(longest, r.median(side, skipIf(side == cell, skip)))
			continue
		}
		for day := range 7 {
			at := side + 24*day
			longest = max(longest, r.longestOf(at, skipIf(at == cell, skip)))
		}
	}
	return float64(longest)
}

func skipIf(is bool, skip int) int {
	if is {
		return skip
	}
	return -1
}

func (r *Rhythm) at(cell, skip int) []int64 {
	list := make([]int64, 0, rhythmWeeks)
	for i, v := range r.cells[(cell+hoursOfWeek)%hoursOfWeek] {
		if i != skip {
			list = append(list, v.seconds())
		}
	}
	return list
}

func (r *Rhythm) median(cell, skip int) int64 {
	list := r.at(cell, skip)
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[len(list)/2]
}

func (r *Rhythm) longestOf(cell, skip int) (s int64) {
	for _, v := range r.at(cell, skip) {
		s = max(s, v)
	}
	return s
}

// rhythmDoc is a rhythm as it is kept.
type rhythmDoc struct {
	Version int                    `json:"v"`
	Last    int64                  `json:"last"`
	Longest int64                  `json:"longest,omitempty"`
	Told    bool                   `json:"told,omitempty"`
	Cells   [hoursOfWeek][]silence `json:"hours"`
}

// MarshalJSON implements [json.Marshaler].
func (r *Rhythm) MarshalJSON() ([]byte, error) {
	return json.Marshal(rhythmDoc{1, r.last, r.longest, r.told, r.cells})
}

// UnmarshalJSON implements [json.Unmarshaler]. On an error the rhythm is unchanged.
// The silence until the next record is not learned from: nobody was there.
func (r *Rhythm) UnmarshalJSON(text []byte) error {
	var doc rhythmDoc
	if err := json.Unmarshal(text, &doc); err != nil {
		return fmt.Errorf("rhythm: %w", err)
	}
	if doc.Version != 1 {
		return fmt.Errorf("rhythm: version %d, want 1", doc.Version)
	}
	for _, c := range doc.Cells {
		if len(c) > rhythmWeeks || slices.ContainsFunc(c, func(s silence) bool { return s.seconds() >= rhythmLeap }) {
			return errors.New("rhythm: more than it can have learned")
		}
	}
	if doc.Longest < 0 || doc.Longest >= rhythmLeap {
		return errors.New("rhythm: a silence that cannot be")
	}
	*r = Rhythm{last: doc.Last, longest: doc.Longest, told: doc.Told, cells: doc.Cells, stale: true, resumed: true}
	return nil
}
