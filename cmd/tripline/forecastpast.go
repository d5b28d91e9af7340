package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tripline/learn"
	"tripline/store"
)

// A keptForecast is what is kept of an outlook.
type keptForecast struct {
	Made   time.Time   `json:"made"`
	Levels []levelJSON `json:"levels"`

	until  time.Time
	digest string
}

// keepForecasts keeps what a review foretells, if it foretells anything.
func (a *app) keepForecasts(s *store.Store, r *reviewed) error {
	for _, d := range r.drafts {
		if d.outlook == nil || d.outlook.levels[0].Instead != "" {
			continue
		}
		data, err := json.Marshal(keptForecast{Made: a.now(), Levels: levelsJSON(d.outlook.levels)})
		if err != nil {
			return fmt.Errorf("keep forecast of %s: %w", d.agent, err)
		}
		until := d.outlook.levels[0].Until
		if err := s.PutForecast(d.agent, store.Forecast{Until: until, Digest: r.digest, Data: data}); err != nil {
			return err
		}
	}
	return nil
}

// kept returns the forecasts of an agent, by the end of the observation.
func kept(s *store.Store, agent string) (out []keptForecast, err error) {
	list, err := s.Forecasts(agent)
	if err != nil {
		return nil, err
	}
	for _, f := range list {
		k := keptForecast{until: f.Until, digest: f.Digest}
		if err := json.Unmarshal(f.Data, &k); err != nil {
			return nil, fmt.Errorf("forecast of %s from %s: %w", agent, f.Until.Format(time.RFC3339), err)
		}
		out = append(out, k)
	}
	return out, nil
}

// What became of a forecast.
const (
	heldUp    = "held"
	exceeded  = "exceeded"
	pending   = "pending"   // what it was for is not observed yet
	forgotten = "forgotten" // the rules it was for are not kept any more
)

// A scored is a forecast beside what came.
type scored struct {
	made, until time.Time
	digest      string
	level       learn.Level
	ahead       aheadJSON
	came        int
	state       string
}

func (x *scored) json() scoredJSON {
	j := scoredJSON{
		Made: x.made, Until: x.until, Digest: x.digest, Level: x.level, Hours: x.ahead.Hours,
		Expected: *x.ahead.Expected, AtMost: *x.ahead.AtMost, State: x.state,
	}
	if x.state != forgotten {
		j.Came = &x.came
	}
	return j
}

// score compares what was foretold with what came, and asks whether the approved
// baseline is stale.
func (o *outlook) score(s *store.Store, r *reviewed, d *draft) error {
	all, err := kept(s, d.agent)
	if err != nil {
		return err
	}
	first := map[learn.Level]*newcomers{learn.ByDestination: firsts(o.scope, learn.DestinationKey), learn.ByName: firsts(o.scope, learn.NameKey)}
	first[learn.ByRule] = first[learn.ByName]
	for i := range all {
		rule, err := r.rulesOf(s, d, all[i].digest)
		if err != nil {
			return err
		}
		for j := range all[i].Levels {
			l := &all[i].Levels[j]
			for _, ahead := range l.Ahead {
				if ahead.Expected != nil && ahead.AtMost != nil && ahead.Hours > 0 {
					o.past = append(o.past, o.became(&all[i], l.Level, ahead, first[l.Level], rule))
				}
			}
		}
	}
	return o.judge(r, d, all)
}

// became says what became of one figure. The rule of what came decides only at
// the level of rules.
func (o *outlook) became(k *keptForecast, level learn.Level, ahead aheadJSON, first *newcomers, rule func(*learn.Destination) string) scored {
	x := scored{made: k.Made, until: k.until, digest: k.digest, level: level, ahead: ahead}
	if level != learn.ByRule {
		rule = nil
	} else if rule == nil {
		x.state = forgotten
		return x
	}
	end := k.until.Add(time.Duration(ahead.Hours) * time.Hour)
	x.came = first.between(k.until, end, rule)
	switch {
	case x.came > *ahead.AtMost:
		x.state = exceeded
	case o.levels[0].Until.Before(end):
		x.state = pending
	default:
		x.state = heldUp
	}
	return x
}

// newcomers are the destinations each key was first seen at, by time.
type newcomers struct {
	at []learn.Block
	of []*learn.Destination
}

func firsts(ds []learn.Destination, key func(*learn.Destination) string) *newcomers {
	index := map[string]*learn.Destination{}
	for i := range ds {
		d := &ds[i]
		if len(d.Blocks) == 0 {
			continue
		}
		k := key(d)
		if was := index[k]; was == nil || d.Blocks[0] < was.Blocks[0] {
			index[k] = d
		}
	}
	s := &newcomers{}
	for _, d := range index {
		s.of = append(s.of, d)
	}
	slices.SortFunc(s.of, func(x, y *learn.Destination) int { return int(x.Blocks[0]) - int(y.Blocks[0]) })
	for _, d := range s.of {
		s.at = append(s.at, d.Blocks[0])
	}
	return s
}

// between counts what was first seen in a stretch of time and no rule admits;
// all of it, if rule is nil.
func (s *newcomers) between(from, to time.Time, rule func(*learn.Destination) string) (n int) {
	low, _ := slices.BinarySearch(s.at, learn.BlockOf(from))
	high, _ := slices.BinarySearch(s.at, learn.BlockOf(to))
	for _, d := range s.of[low:high] {
		if rule == nil || rule(d) == "" {
			n++
		}
	}
	return n
}

// rulesOf returns the rules of an agent that were shown with a digest, nil if
// they are not kept any more.
func (r *reviewed) rulesOf(s *store.Store, d *draft, digest string) (func(*learn.Destination) string, error) {
	if digest == r.digest {
		return d.outlook.rule, nil
	}
	_, _, doc, err := s.Shown(digest)
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // so long ago that it was forgotten
	}
	var shown shownDoc
	if err := json.Unmarshal(doc, &shown); err != nil {
		return nil, fmt.Errorf("what was shown as %s: %w", digest, err)
	}
	list, err := learn.Decode("what was shown", shown.Text)
	if err != nil {
		return nil, err
	}
	for _, b := range list {
		if b.Agent == d.agent {
			rule, err := r.ruleOf(b, d.never)
			if err != nil {
				return nil, nil //nolint:nilerr,nilnil // of ranges that are not kept any more
			}
			return rule, nil
		}
	}
	return nil, nil //nolint:nilnil // it had none
}

// judge compares what the approved baseline does not admit with what was foretold
// when it was approved.
func (o *outlook) judge(r *reviewed, d *draft, all []keptForecast) error {
	k := foretold(d.approved, all)
	if k == nil {
		return nil
	}
	rule, err := r.ruleOf(d.approved, d.never)
	if err != nil {
		return err
	}
	if l := k.rules(); l != nil {
		outside := learn.Hours(o.scope, func(d *learn.Destination) string {
			if rule(d) != "" {
				return ""
			}
			return learn.NameKey(d)
		})
		n := outside.In(l.Hours).After(learn.BlockOf(k.until), *l.AtMost)
		o.since, o.approved, o.unit = &n, *k, l.Hours
	}
	return nil
}

// foretold returns the forecast that a baseline was approved with: the one of
// what was shown, else the last before it.
func foretold(b *learn.Baseline, all []keptForecast) (k *keptForecast) {
	if b == nil || b.Approved == nil {
		return nil
	}
	for i := range all {
		switch {
		case all[i].digest == b.Approved.Shown:
			return &all[i]
		case !all[i].Made.After(b.Approved.At):
			k = &all[i]
		}
	}
	return k
}
