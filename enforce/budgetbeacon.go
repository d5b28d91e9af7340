package enforce

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"tripline/learn"
)

const (
	// young is how long a place is too new for its rhythm to be known.
	young = 7 * 24 * time.Hour
	// beaconSpan is what a rhythm is found in.
	beaconSpan = 24 * time.Hour
	// maxBeacons and maxBeats bound what is remembered for it.
	maxBeacons = 2000
	maxBeats   = 1500
	// beaconLow and beaconHigh are the scores of RITA's lowest and highest findings
	// that are worth a person's time.
	beaconLow  = 0.7
	beaconHigh = 0.9
)

type beaconKey struct {
	agent   string
	service learn.Service
	to      string
}

// A beacon is when an agent connected to one destination, and what it sent.
type beacon struct {
	Proto  string    `json:"proto"`
	Port   uint16    `json:"port"`
	To     string    `json:"to"` // name, or address
	Times  []int64   `json:"times"`
	Sizes  []float64 `json:"sizes"`
	Scored time.Time `json:"scored"` // when it last was
	Told   float64   `json:"told"`   // the score that was told
}

// rhythm notes a connection to a place that is outside the baseline, or young:
// what an agent does every minute for good reasons is a beacon too.
func (m *Meter) rhythm(f *learn.Flow, v Verdict, at place) []*Alert {
	if !m.wants(BeaconFound) || v == Allowed && !m.young(at, f.Time) {
		return nil
	}
	b := m.beacon(f)
	b.note(f)
	if len(b.Times) < 4 || f.Time.Sub(b.Scored) < 10*time.Minute {
		return nil
	}
	b.Scored = f.Time
	m.beats[at.agent+beaconPlace(b)] = keptBeacon{at.agent, b}
	to := b.Times[len(b.Times)-1] + 1
	from := to - int64(beaconSpan/time.Second)
	score, ok := learn.NewBeacon(b.Times, b.Sizes, from, to)
	if !ok || score.Score < beaconLow || b.Told >= beaconHigh || b.Told > 0 && score.Score < beaconHigh {
		return nil
	}
	b.Told = score.Score
	return []*Alert{of(f, Finding(BeaconFound, beaconSeverity(v, score.Score), f.Time, at.agent, at.to, regular(b, v, score)))}
}

// young says whether a place was first seen less than a week before.
func (m *Meter) young(at place, now time.Time) bool {
	if b := m.budgets[at]; b != nil {
		return now.Sub(b.First) < young
	}
	p := m.places[at]
	return p == nil || now.Sub(p.First) < young
}

// beaconSeverity: outside the baseline it is what an implant does, inside it may
// be a new health check.
func beaconSeverity(v Verdict, score float64) Severity {
	switch {
	case v == Allowed && score < beaconHigh:
		return Low
	case v == Allowed:
		return Medium
	case score < beaconHigh:
		return High
	}
	return Critical
}

func (m *Meter) beacon(f *learn.Flow) *beacon {
	service, to := f.Service(), f.Name // a name may move, its rhythm stays
	if to == "" {
		to = f.Dst.String()
	}
	key := beaconKey{f.Agent, service, to}
	b := m.beacons[key]
	if b == nil {
		if len(m.beacons) >= maxBeacons {
			m.forgetBeacons()
		}
		b = &beacon{Proto: service.Proto.String(), Port: service.Port, To: to}
		m.beacons[key] = b
	}
	return b
}

// forgetBeacons makes room: the quarter that was silent longest goes, so that a scan
// does not search for each of its destinations.
func (m *Meter) forgetBeacons() {
	order := slices.SortedFunc(maps.Keys(m.beacons), func(x, y beaconKey) int {
		return cmp.Compare(m.beacons[x].last(), m.beacons[y].last())
	})
	for _, key := range order[:len(order)/4] {
		if b := m.beacons[key]; !b.Scored.IsZero() { // otherwise it was never kept
			m.beats[key.agent+beaconPlace(b)] = keptBeacon{key.agent, &beacon{Proto: b.Proto, Port: b.Port, To: b.To}}
		}
		delete(m.beacons, key)
	}
}

func (b *beacon) last() int64 {
	if len(b.Times) == 0 {
		return 0
	}
	return b.Times[len(b.Times)-1]
}

// note keeps the connections of a day, in order, and no more than are needed.
func (b *beacon) note(f *learn.Flow) {
	at := f.Time.Unix()
	i := len(b.Times)
	for i > 0 && b.Times[i-1] > at {
		i--
	}
	b.Times = append(b.Times[:i], append([]int64{at}, b.Times[i:]...)...)
	b.Sizes = append(b.Sizes, float64(f.Up))
	drop := max(0, len(b.Times)-maxBeats)
	for drop < len(b.Times) && b.Times[drop] <= b.Times[len(b.Times)-1]-int64(beaconSpan/time.Second) {
		drop++
	}
	b.Times, b.Sizes = b.Times[drop:], b.Sizes[min(drop, len(b.Sizes)):]
}

func regular(b *beacon, v Verdict, s learn.Beacon) string {
	where := "a place younger than a week"
	if v != Allowed {
		where = "a place outside the baseline"
	}
	return fmt.Sprintf("%d connections in %s to %s, as regular as a machine that calls home: score %.2f of 1 (intervals %.2f, sizes %.2f, hours %.2f, duration %.2f)",
		len(b.Times), time.Duration(b.Times[len(b.Times)-1]-b.Times[0])*time.Second, where, s.Score, s.Times, s.Sizes, s.Hours, s.Duration)
}
