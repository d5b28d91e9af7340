package export

import (
	"fmt"
	"net/netip"
	"strings"

	"tripline/ipranges"
)

// A Change is what becomes of a table when it is written again.
type Change struct {
	Added, Removed int               // entries
	Opened, Closed ipranges.Exposure // addresses
	Before, After  ipranges.Exposure // in all
	Approved       bool              // a person approved another baseline meanwhile
	Over           bool              // its last rule is gone: it is empty on purpose
}

// Compare says what becomes of a table.
func Compare(old, now []byte) Change { return compare(ReadHeld(old), ReadHeld(now)) }

func compare(was, is Held) Change {
	had := map[netip.Prefix]bool{}
	for _, p := range was.Set.Prefixes() {
		had[p] = true
	}
	approved := was.Baseline != "" && is.Baseline != "" && was.Baseline != is.Baseline
	c := Change{Approved: approved, Over: is.Over}
	for _, p := range is.Set.Prefixes() {
		if !had[p] {
			c.Added++
		}
		delete(had, p)
	}
	c.Removed = len(had)
	c.Opened, c.Closed = is.Set.Subtract(was.Set).Exposure(), was.Set.Subtract(is.Set).Exposure()
	c.Before, c.After = was.Set.Exposure(), is.Set.Exposure()
	return c
}

// Same says whether the firewall would have the same table.
func (c Change) Same() bool { return c.Added == 0 && c.Removed == 0 }

// String returns "+3 -1 prefixes, +1,024 addresses".
func (c Change) String() string {
	if c.Same() {
		return "the same addresses"
	}
	var entries, sizes []string
	if c.Added > 0 {
		entries = append(entries, "+"+thousands(c.Added))
	}
	if c.Removed > 0 {
		entries = append(entries, "-"+thousands(c.Removed))
	}
	for _, part := range []struct {
		sign   string
		opened ipranges.Exposure
	}{{"+", c.Opened}, {"-", c.Closed}} {
		if part.opened.V4 > 0 {
			sizes = append(sizes, part.sign+numbered(part.opened.V4, "address", "addresses"))
		}
		if part.opened.V6 > 0 {
			sizes = append(sizes, part.sign+ipranges.Thousands(part.opened.V6)+" IPv6 /64")
		}
	}
	text := strings.Join(entries, " ") + " prefixes"
	if c.Added+c.Removed == 1 {
		text = strings.Join(entries, " ") + " prefix"
	}
	return text + ", " + strings.Join(sizes, " ")
}

func numbered(n uint64, one, many string) string {
	if n == 1 {
		many = one
	}
	return ipranges.Thousands(n) + " " + many
}

// shrinkFloor is how many addresses a table may lose at once, however small it
// is: those of a name or two.
const shrinkFloor = 16

// Refused says why a table must not be put in place without a person: it would be
// empty though rules are left, or lose more than the share most of what it opens
// though nobody approved anything. A firewall that loads it would cut the agent
// off. It is nil for a change that may happen by itself.
func (c Change) Refused(most float64) error {
	switch {
	case c.Before.IsZero() || c.Over:
		return nil
	case c.After.IsZero():
		return fmt.Errorf("it would be empty, and had %s", words(c.Before))
	case c.Approved:
		return nil
	case tooMuch(c.Closed.V4, c.Before.V4, most):
		return fmt.Errorf("it would lose %s of %s, more than %.0f %%, and no other baseline was approved",
			ipranges.Thousands(c.Closed.V4), numbered(c.Before.V4, "address", "addresses"), 100*most)
	case tooMuch(c.Closed.V6, c.Before.V6, most):
		return fmt.Errorf("it would lose %s of %s IPv6 /64, more than %.0f %%, and no other baseline was approved",
			ipranges.Thousands(c.Closed.V6), ipranges.Thousands(c.Before.V6), 100*most)
	}
	return nil
}

func tooMuch(lost, had uint64, most float64) bool {
	return lost > shrinkFloor && float64(lost) > most*float64(had)
}
