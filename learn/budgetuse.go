package learn

import (
	"math"
	"time"
)

// A Use is what an agent did at a place in an hour or a day.
type Use struct {
	Up    uint64 `json:"up"`
	Down  uint64 `json:"down"`
	Flows uint64 `json:"flows"`
}

// Add counts a flow. What a hostile exporter invents does not wrap.
func (u *Use) Add(f *Flow) { u.add(Use{f.Up, f.Down, 1}) }

func (u *Use) add(o Use) {
	u.Up, u.Down, u.Flows = saturated(u.Up, o.Up), saturated(u.Down, o.Down), saturated(u.Flows, o.Flows)
}

func saturated(a, b uint64) uint64 {
	if a > math.MaxInt64-min(b, math.MaxInt64) {
		return math.MaxInt64
	}
	return a + b
}

// Ratio returns (up-down)/(up+down), if there are enough bytes to say.
func (u *Use) Ratio() (float64, bool) {
	up, down := float64(u.Up), float64(u.Down)
	if up+down < enoughForRatio {
		return 0, false
	}
	return (up - down) / (up + down), true
}

// A Usage is what one agent did at one place, hour by hour.
type Usage struct {
	Agent, To string
	First     time.Time
	Hours     map[Block]Use // in which it was used at all
}

// Days returns the bytes up of each day on which the place was used, in order. Those of
// which none were seen are left out.
func (u *Usage) Days() []uint64 {
	sums := map[Day]uint64{}
	for b, use := range u.Hours {
		if use.Up+use.Down == 0 {
			continue
		}
		sums[DayOf(b.Time())] = saturated(sums[DayOf(b.Time())], use.Up)
	}
	return inOrder(sums)
}

// Usages gathers flows by agent and place. The zero value is empty.
type Usages struct {
	by map[[2]string]*Usage
}

const (
	// Everywhere is the place that stands for all places of an agent together.
	Everywhere = "all destinations"
	// Elsewhere is the place for all beyond the first [MaxPlaces].
	Elsewhere = "further destinations"
	// MaxPlaces is how many places are told apart: a scan must not fill the memory.
	MaxPlaces = 10_000
)

// Add counts a flow that the firewall let pass at a place, and among all of its
// agent.
func (s *Usages) Add(f *Flow, to string) {
	if f.Action == Refused {
		return
	}
	for _, to := range [...]string{to, Everywhere} {
		u := s.of(f.Agent, to)
		if u.First.IsZero() || f.Time.Before(u.First) {
			u.First = f.Time
		}
		hour := u.Hours[BlockOf(f.Time)]
		hour.Add(f)
		u.Hours[BlockOf(f.Time)] = hour
	}
}

func (s *Usages) of(agent, to string) *Usage {
	key := [2]string{agent, to}
	u := s.by[key]
	if u == nil && len(s.by) >= MaxPlaces && to != Everywhere && to != Elsewhere {
		return s.of(agent, Elsewhere)
	}
	if u == nil {
		if s.by == nil {
			s.by = map[[2]string]*Usage{}
		}
		u = &Usage{Agent: agent, To: to, Hours: map[Block]Use{}}
		s.by[key] = u
	}
	return u
}

// List returns what was gathered, in no order.
func (s *Usages) List() []*Usage {
	out := make([]*Usage, 0, len(s.by))
	for _, u := range s.by {
		out = append(out, u)
	}
	return out
}
