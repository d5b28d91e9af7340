package learn

import (
	"cmp"
	"slices"

	"tripline/ipranges"
)

// What one rule may open unless told otherwise: an IPv4 /8, and as much of IPv6
// as a registry hands out at once, a /32.
const (
	DefaultCeilingV4 = 1 << 24 // addresses
	DefaultCeilingV6 = 1 << 32 // /64 networks
)

// A Held is a published set that would have been worth a rule and was not
// proposed, because it opens more than [FoldOptions.Ceiling].
type Held struct {
	Label  ipranges.Label
	Admits ipranges.Exposure
	Alarms float64 // fewer a week, had it been admitted
}

// over says whether a rule for l would cross the ceiling without leave.
func (f *folding) over(l ipranges.Label, e ipranges.Exposure) bool {
	if e.V4 <= f.options.Ceiling.V4 && e.V6 <= f.options.Ceiling.V6 {
		return false
	}
	return !slices.ContainsFunc(f.options.AllowWide, func(wide ipranges.Label) bool { return wide.Covers(l) && l.Covers(wide) })
}

// summed sorts what was held back and leaves each label once, with what it
// would have saved on all services together.
func summed(held []Held) []Held {
	slices.SortFunc(held, func(a, b Held) int {
		return cmp.Or(a.Label.Compare(b.Label), cmp.Compare(a.Alarms, b.Alarms))
	})
	var out []Held
	for _, h := range held {
		if n := len(out); n > 0 && out[n-1].Label == h.Label {
			out[n-1].Alarms += h.Alarms
			continue
		}
		out = append(out, h)
	}
	return out
}
