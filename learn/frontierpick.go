package learn

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"tripline/ipranges"
)

// Limits are what a person wants kept, whatever it costs elsewhere. A field
// that is nil limits nothing.
type Limits struct {
	Rules    *int     // at most so many
	Exposure *uint64  // at most so many IPv4 addresses and IPv6 /64 networks together
	Alarms   *float64 // at most so many new destinations outside the rules a week
}

// ErrLimits is returned where no way to fold keeps the limits. The error says
// what the least is.
var ErrLimits = errors.New("cannot be kept")

// A Pick is a point that was asked for, beside what it was picked from.
type Pick struct {
	Point

	Default  Point  // what it would be without limits
	Narrower *Point // the widest of at most half the addresses; nil if there is none
	Wider    *Point // the narrowest of at least twice the addresses; nil if there is none
}

// Pick returns, of all points that keep the limits, the one worth most by the
// weights of the options. Without limits that is [Frontier.Default].
func (f *Frontier) Pick(l Limits) (Pick, error) {
	if l.keeps(f.Default) {
		return f.beside(f.Default), nil
	}
	all := append([]Point{f.Default}, f.Points...)
	if l.Rules != nil {
		all = append(all, f.fewer()...)
	}
	best, found := Point{}, false
	for _, p := range all {
		if l.keeps(p) && (!found || f.costs(p) < f.costs(best)) {
			best, found = p, true
		}
	}
	if !found {
		return Pick{}, l.missed(all)
	}
	return f.beside(best), nil
}

// costs returns what p costs by the weights of the options, in alarms a week.
func (f *Frontier) costs(p Point) float64 {
	return p.Alarms + f.lambda*float64(p.Opens) + f.beta*float64(p.Rules)
}

// The weights of a rule that are tried where fewer rules are wanted, in alarms
// a week, each so many times the one before; and where there are very many
// members.
const (
	dearestRule = 1e6
	dearer      = 4
	muchDearer  = 16
)

func (f *Frontier) fewer() []Point {
	times := float64(dearer)
	if f.keys() >= manyMembers {
		times = muchDearer
	}
	var out []Point
	for beta := times * f.beta; beta < dearestRule; beta *= times {
		out = append(out, f.sweep(coarse, beta)...)
	}
	return out
}

func (f *Frontier) beside(p Point) Pick {
	pick := Pick{Point: p, Default: f.Default}
	for i := range f.Points {
		q := &f.Points[i]
		switch {
		case q.Opens <= p.Opens/2:
			pick.Narrower = q
		case pick.Wider == nil && q.Opens >= 2*p.Opens && q.Alarms < p.Alarms:
			pick.Wider = q
		}
	}
	return pick
}

func (l Limits) keeps(p Point) bool {
	return (l.Rules == nil || p.Rules <= *l.Rules) &&
		(l.Exposure == nil || p.Opens <= *l.Exposure) &&
		(l.Alarms == nil || p.Alarms <= *l.Alarms)
}

// missed says which limit is below the least there is, or that the limits
// exclude each other.
func (l Limits) missed(all []Point) error {
	var parts []string
	for _, one := range l.each() {
		least := math.Inf(1)
		for _, p := range all {
			least = min(least, one.of(p))
		}
		if one.limit < least {
			return fmt.Errorf("at most %s: %w, the least is %s", one.asked(), ErrLimits, one.words(least)+one.unit)
		}
		parts = append(parts, "at most "+one.asked())
	}
	return fmt.Errorf("%s: %w together, each alone can", strings.Join(parts, " and "), ErrLimits)
}

// A limit is one of [Limits].
type limit struct {
	limit float64
	of    func(Point) float64
	unit  string
	words func(float64) string // of a value that can be kept, so rounded up
}

func (l limit) asked() string {
	if l.limit == math.Trunc(l.limit) && l.limit >= 0 {
		return ipranges.Thousands(uint64(l.limit)) + l.unit
	}
	return fmt.Sprint(l.limit) + l.unit
}

func (l Limits) each() []limit {
	var out []limit
	whole := func(v float64) string { return ipranges.Thousands(uint64(v)) }
	cents := func(v float64) string { return fmt.Sprintf("%.2f", math.Ceil(v*100)/100) }
	if l.Rules != nil {
		out = append(out, limit{float64(*l.Rules), func(p Point) float64 { return float64(p.Rules) }, " rules", whole})
	}
	if l.Exposure != nil {
		out = append(out, limit{float64(*l.Exposure), func(p Point) float64 { return float64(p.Opens) }, " addresses", whole})
	}
	if l.Alarms != nil {
		out = append(out, limit{*l.Alarms, func(p Point) float64 { return p.Alarms }, " alarms a week", cents})
	}
	return out
}
