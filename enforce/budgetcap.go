package enforce

import (
	"cmp"
	"fmt"
	"time"

	"tripline/learn"
)

// capped adds a flow to the caps that hold for it.
func (m *Meter) capped(f *learn.Flow, to string) (found []*Alert) {
	for i := range m.how.Caps {
		c := &m.how.Caps[i]
		if c.Agent != "" && c.Agent != f.Agent || !m.covers(c, f, to) {
			continue
		}
		p, at := m.at(place{f.Agent, CapPlace(c)}, f.Time)
		m.close(at, p, f.Time)
		if _, ok := p.add(f, m.kept); !ok {
			continue
		}
		m.changed[at] = true
		day := learn.DayOf(f.Time)
		if up := p.Days[day].Up; up > m.capOf(c) && p.Told < day && m.wants(VolumeCap) {
			p.Told = day
			found = append(found, of(f, Finding(VolumeCap, High, f.Time, f.Agent, CapSubject(c), overCap(c, f, up))))
		}
	}
	return found
}

// capOf returns what may be sent: a handshake is no upload.
func (m *Meter) capOf(c *learn.Cap) uint64 {
	if c.PerDay == 0 {
		return m.how.Floor
	}
	return c.PerDay
}

// CapPlace is where the sums of a cap are kept. No place of a flow has a space at
// its beginning.
func CapPlace(c *learn.Cap) string { return " cap " + cmp.Or(c.Agent, "*") + " " + CapSubject(c) }

// CapSubject names what a cap is for.
func CapSubject(c *learn.Cap) string {
	if c.To.IsZero() {
		return learn.Everywhere
	}
	return c.To.String()
}

func overCap(c *learn.Cap, f *learn.Flow, up uint64) string {
	if c.PerDay == 0 {
		return fmt.Sprintf("%s sent on %s to what never gets any upload", learn.Size(up), f.Time.Format(time.DateOnly))
	}
	return fmt.Sprintf("%s sent on %s, more than the cap of %s a day", learn.Size(up), f.Time.Format(time.DateOnly), learn.Size(c.PerDay))
}

// covers says whether a flow goes to what a cap is for.
func (m *Meter) covers(c *learn.Cap, f *learn.Flow, to string) bool {
	switch t := &c.To; {
	case t.IsZero() || t.String() == to:
		return true
	case t.Name != "":
		name, ok := learn.HostName(f.Name)
		return ok && learn.AdmitsName(t.Name, name)
	case t.Prefix.IsValid():
		return t.Prefix.Contains(f.Dst)
	case t.ASN != 0:
		as, ok := m.policy.Space.AS(f.Dst)
		return ok && as.Number == t.ASN
	}
	set, ok := m.policy.Space.Table.Set(c.To.Label)
	return ok && set.Contains(f.Dst)
}
