package main

import (
	"strings"

	"tripline/ipranges"
	"tripline/learn"
)

// beyond warns of rules by hand that reach into what no baseline may admit: that
// part of them stays closed, which is not what the text says.
func (a *app) beyond(b *learn.Baseline, space ipranges.Space, never learn.Never) {
	for i := range b.Rules {
		r := &b.Rules[i]
		if r.To.Single() {
			continue // all of it is forbidden, or nothing
		}
		set, err := r.To.Set(space, r.Addrs)
		if err != nil {
			continue // told elsewhere
		}
		if why := never.Reaches(set); len(why) > 0 {
			a.warn("%s: rule %s reaches into what no baseline may admit (%s): that part stays closed", b.Agent, r.To, strings.Join(why, ", "))
		}
	}
}
