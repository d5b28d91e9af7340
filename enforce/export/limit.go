package export

import (
	"fmt"

	"tripline/enforce"
	"tripline/ipranges"
	"tripline/learn"
)

// limitEntries writes tables that have more entries than that with so many, and says
// what that opens. Nothing that is never to be admitted is opened, nor private
// space beside the hosts that are approved.
func limitEntries(tables []*table, p *enforce.Policy, most int) error {
	if most == 0 {
		return nil
	}
	closed := p.Never.Hosts()
	for _, t := range tables {
		if n := len(t.set.Prefixes()); n > most {
			if err := t.limit(n, most, closed); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *table) limit(had, most int, closed ipranges.Set) error {
	r := learn.Reduce(t.set, closed)
	got, ok := r.MaxRules(most)
	if !ok {
		err := fmt.Errorf("alias %s needs %s, more than %s: fewer would open what is never to be admitted, or join IPv4 and IPv6",
			t.name, count(r.Least(), "entry", "entries"), thousands(most))
		return learn.WithHint(err, "--max-entries %d", r.Least())
	}
	set := ipranges.NewSet(got.Prefixes...)
	t.beyond = "no address outside the /64 networks that the baseline opens a part of"
	if !got.Opens.IsZero() {
		t.beyond = words(got.Opens)
	}
	why := fmt.Sprintf("alias %s has %s instead of %s and so opens, beyond the baseline, %s: %s; what goes there passes, and is reported by tripline enforce",
		t.name, count(len(set.Prefixes()), "entry", "entries"), thousands(had), t.beyond, proven(got))
	t.notes = append(t.notes, Note{plain(t.agent.Name), t.service(), why})
	t.set = set
	return nil
}

// proven says how good the choice is.
func proven(got learn.Reduced) string {
	if got.Exact() {
		return "no list of so few entries opens less"
	}
	return "no list of so few entries opens less than " + ipranges.Thousands(got.Least)
}
