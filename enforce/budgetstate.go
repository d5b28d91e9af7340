package enforce

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tripline/learn"
)

// A keptBeacon is a beacon and whose it is.
type keptBeacon struct {
	agent string
	*beacon
}

// beaconMark begins the places of what is kept of beacons.
const beaconMark = " beacon "

func beaconPlace(b *beacon) string {
	return fmt.Sprintf("%s%s/%d %s", beaconMark, b.Proto, b.Port, b.To)
}

// Changed returns, by agent and place, what is to be kept since it was last called; nil
// for what is to be kept no longer. The connections to a beacon are kept when they
// are scored, every ten minutes.
func (m *Meter) Changed() (map[string]map[string][]byte, error) {
	out := map[string]map[string][]byte{}
	put := func(agent, to string, v any) error {
		text, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("use of %s: %w", to, err)
		}
		if out[agent] == nil {
			out[agent] = map[string][]byte{}
		}
		out[agent][to] = text
		return nil
	}
	for at := range m.changed {
		if err := put(at.agent, at.to, m.places[at]); err != nil {
			return nil, err
		}
		if m.places[at] == nil {
			out[at.agent][at.to] = nil
		}
	}
	for _, b := range m.beats {
		if err := put(b.agent, beaconPlace(b.beacon), b.beacon); err != nil {
			return nil, err
		}
		if len(b.Times) == 0 {
			out[b.agent][beaconPlace(b.beacon)] = nil
		}
	}
	clear(m.changed)
	clear(m.beats)
	return out, nil
}

// Unkept says that what [Meter.Changed] returned could not be kept: it comes again.
func (m *Meter) Unkept(uses map[string]map[string][]byte) {
	for agent, places := range uses {
		for to := range places {
			if !strings.HasPrefix(to, beaconMark) { // a beacon comes again by itself
				m.changed[place{agent, to}] = true
			}
		}
	}
}

// Restore takes up what was kept of a place of an agent.
func (m *Meter) Restore(agent, to string, text []byte) error {
	if strings.HasPrefix(to, beaconMark) {
		return m.restoreBeacon(agent, text)
	}
	p, err := readMetered(text)
	if err != nil {
		return fmt.Errorf("stored use of %s by %s: %w", learn.Printable(to), agent, err)
	}
	if len(m.places) < learn.MaxPlaces {
		m.places[place{agent, to}] = p
		if p.Last.After(m.latest) && !p.Last.After(m.now.Add(24*time.Hour)) {
			m.latest = p.Last
		}
	}
	return nil
}

func (m *Meter) restoreBeacon(agent string, text []byte) error {
	b := &beacon{}
	if err := json.Unmarshal(text, b); err != nil {
		return fmt.Errorf("stored beacon of %s: %w", agent, err)
	}
	proto, err := learn.ParseProto(b.Proto)
	if err != nil || len(b.Times) != len(b.Sizes) || len(b.Times) == 0 {
		return fmt.Errorf("stored beacon of %s: want a protocol, and as many times as sizes", agent)
	}
	if len(m.beacons) < maxBeacons {
		m.beacons[beaconKey{agent, learn.Service{Proto: proto, Port: b.Port}, b.To}] = b
	}
	return nil
}

func readMetered(text []byte) (*metered, error) {
	p := &metered{}
	if err := json.Unmarshal(text, p); err != nil {
		return nil, err //nolint:wrapcheck // its caller says of what
	}
	if p.Hours == nil {
		p.Hours = map[learn.Block]*metering{}
	}
	if p.Days == nil {
		p.Days = map[learn.Day]learn.Use{}
	}
	for b, h := range p.Hours {
		if h == nil {
			delete(p.Hours, b)
		}
	}
	return p, nil
}

// UsedOn returns what was used on a day, of what [Meter.Changed] returned for a
// place.
func UsedOn(day learn.Day, text []byte) (learn.Use, error) {
	p, err := readMetered(text)
	if err != nil {
		return learn.Use{}, err
	}
	return p.Days[day], nil
}
