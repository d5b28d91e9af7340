package main

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"tripline/ipranges"
	"tripline/learn"
)

// mostAsked is how many domains are named of those that were only asked for.
const mostAsked = 5

// tellAsked says which names were asked for and not connected to, by the domains
// that somebody registered: what a tunnel says are names below one.
func (a *app) tellAsked(only []string, more uint64) {
	if len(only) > 0 {
		a.say("%s asked for and not connected to: %s", count(uint64(len(only)), "name was", "names were"), strings.Join(domains(only), ", "))
	}
	if more > 0 {
		a.warn("%s more for names: whether connections followed was not kept", count(more, "question", "questions"))
	}
}

// domains counts names by domain, most names first.
func domains(names []string) []string {
	under := map[string][]string{}
	for _, name := range names {
		domain, ok := learn.Registrable(name)
		if !ok {
			domain = name
		}
		under[domain] = append(under[domain], name)
	}
	var list []string
	most := func(a, b string) int { return cmp.Or(len(under[b])-len(under[a]), strings.Compare(a, b)) }
	for _, domain := range slices.SortedFunc(maps.Keys(under), most) {
		switch n := len(under[domain]); {
		case len(list) == mostAsked:
			return append(list, "and others")
		case n == 1:
			list = append(list, learn.Printable(under[domain][0]))
		default:
			list = append(list, ipranges.Thousands(uint64(n))+" of "+learn.Printable(domain))
		}
	}
	return list
}
