package learn

import (
	"time"

	"tripline/ipranges"
)

// What folding weighs unless told otherwise. They were chosen on several data
// sets at once (make eval), not for one.
const (
	DefaultLambda = 2e-6 // half a million addresses for one alarm a week
	DefaultBeta   = 0.02 // fifty rules for one alarm a week
)

// FoldOptions is what folding knows beside the destinations. The zero value
// folds to prefixes with the default weights.
type FoldOptions struct {
	Space  ipranges.Space // published sets and autonomous systems
	Lambda float64        // alarms a week that one admitted address may cost; 0 is DefaultLambda
	Beta   float64        // what a rule costs a reader, in alarms a week; 0 is DefaultBeta
	Hosts  ipranges.Set   // admitted host by host only, beside private and special space
	// What the wildcard of a registrable domain costs, in alarms a week; 0 is
	// DefaultWildcard.
	Wildcard float64

	// Ceiling is what one rule may open at most; what is 0 is DefaultCeilingV4
	// or DefaultCeilingV6. AllowWide are the labels that may open more. Names
	// and single hosts are no matter of it.
	Ceiling   ipranges.Exposure
	AllowWide []ipranges.Label

	// Limits pick a point of the frontier instead of what the weights say.
	// Where nothing keeps them they limit nothing: [Frontier.Pick] tells.
	Limits Limits

	// When the observation began and ended. The zero values are the first
	// and the last sighting.
	Since, Until time.Time

	Life Life // for [Propose]: what to let go, and what to hold back
}

// Fold returns the rules that admit all destinations of one agent and, beyond
// them, what is worth more alarms than it opens:
//
//	maximise  sum over rules of  news * mass - lambda * exposure - price
//
// where news is the new destinations expected in the coming week, mass the share
// of them that the model places inside the rule, and the price of a rule is beta,
// and a quarter more where it admits more than was seen. It is the exact maximum
// twice over: of the published sets to admit as a whole, in the trees of their
// labels, and then of the prefixes for all that is in none of them. Each protocol
// and port is folded on its own. A destination with a name becomes a rule for
// this name, or for a wildcard of its owner where new names keep coming; the
// others become published sets, prefixes and hosts. Leave out what must not be
// admitted: [Never], and what is not [Destination.Admissible].
//
// A published set is weighed by what it opens of the family it was seen in; its
// rule admits both. A set in which anyone can rent a place ([ipranges.Shared]) is
// admitted only while new destinations keep coming to it, and no set beyond the
// ceiling. A whole autonomous system is never proposed. [NewFrontier] has the
// other ways to fold, and what each costs; docs/fold.md says what was measured.
//
// Names come first in the result, then published sets, then prefixes.
func Fold(ds []Destination, o FoldOptions) []Rule {
	if o.Limits != (Limits{}) {
		f := NewFrontier(ds, o)
		if pick, err := f.Pick(o.Limits); err == nil {
			return f.Fold(pick.Point).To
		}
	}
	f := newFolding(ds, o)
	out := f.drafts()
	rest := out.named(ds)
	for _, c := range f.chosen(f.services(rest)) {
		out.service(c)
	}
	return out.rules()
}

// A folding is one call of [Fold].
type folding struct {
	options      FoldOptions
	hosts        ipranges.Set // where nothing wider than a host is admitted
	lambda, beta float64
	middle       time.Time // what is first seen after it is new
	early        float64   // what a destination that is not new says of where new ones come
	weeks        float64   // the coming week, in halves of the observation
	calm         float64   // what the coming week brings where the recent half brought nothing
}

const (
	halfDay = 12 * time.Hour
	week    = 14 * halfDay
)

// indirect is space whose addresses hold IPv4 addresses (RFC 6052, RFC 8215,
// RFC 3056, RFC 4380): one network of it reaches everything.
var indirect = []string{"64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"}

func newFolding(ds []Destination, o FoldOptions) *folding {
	f := &folding{options: o, lambda: o.Lambda, beta: o.Beta}
	f.hosts = NewNever(nil, nil).Hosts().Union(setOf(indirect)).Union(o.Hosts)
	if f.lambda == 0 {
		f.lambda = DefaultLambda
	}
	if f.beta == 0 {
		f.beta = DefaultBeta
	}
	if o.Ceiling.V4 == 0 {
		f.options.Ceiling.V4 = DefaultCeilingV4
	}
	if o.Ceiling.V6 == 0 {
		f.options.Ceiling.V6 = DefaultCeilingV6
	}
	since, until := observed(ds, o)
	half := max(0, until.Sub(since)/2)
	f.middle = since.Add(half)
	// Where nothing new came for long, nothing is expected: the rate is that of
	// a Poisson process whose prior is worth half a day.
	f.early = float64(halfDay) / float64(halfDay+half)
	// Most of what is new in the first days is there to stay: less than a week
	// is not scaled up further.
	f.weeks = float64(week) / float64(max(half, week/2))
	// One server on its own port for a week is that server, and no reason to open
	// what is around it: with each half day in which nothing new came it is less
	// likely to be one of those that change at all (their rates are spread as a
	// gamma distribution of shape two), and if it is, it changes less often.
	f.calm = surprise * f.weeks * f.early * f.early * f.early
	return f
}

// observed returns when the observation began and ended.
func observed(ds []Destination, o FoldOptions) (since, until time.Time) {
	since, until = o.Since, o.Until
	for i := range ds {
		if o.Since.IsZero() && (since.IsZero() || ds[i].First.Before(since)) {
			since = ds[i].First
		}
		if o.Until.IsZero() && ds[i].Last.After(until) {
			until = ds[i].Last
		}
	}
	return since, until
}
