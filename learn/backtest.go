package learn

import "fmt"

// A Stretch is a part of what was observed, from the beginning of one hour to
// that of another.
type Stretch struct {
	From, To Block // To is the first hour after it
	Days     int   // with flows, of the calendar in UTC
	Hours    int   // of these days, as far as they were observed
}

// A Judge says whether a policy admits a flow. It has to say the same of flows
// to the same [Target].
type Judge func(*Flow) bool

// A Trainer makes a policy of what was seen up to a time.
type Trainer func([]Destination) (Judge, error)

// A Trial is a policy and what it would have raised later.
type Trial struct {
	Learned      Stretch // empty where the policy was not learned from this history
	Replayed     Stretch
	Destinations int     // that were replayed
	Alarms       []Alarm // by time, then by target
}

// An Alarm is a destination that a policy does not admit: one finding, however
// often it was seen.
type Alarm struct {
	Target
	Evidence Evidence
	First    Block // the hour it would have been raised
	Hours    int   // in which it was seen while it was replayed
}

// PerDay returns the alarms for each day that was replayed.
func (t *Trial) PerDay() float64 {
	if t.Replayed.Hours == 0 {
		return 0
	}
	return float64(len(t.Alarms)) * hoursPerDay / float64(t.Replayed.Hours)
}

// LeastHistory is what a back-test needs at least: one day to learn on and one
// to replay.
const LeastHistory = 2 * hoursPerDay

// A ShortError says that there is too little history to split.
type ShortError struct {
	Hours int // from the first to the last one with a flow; 0 if there is none
}

// Error says how long to observe.
func (e *ShortError) Error() string {
	if e.Hours == 0 {
		return "no flow is recorded that could be replayed: a back-test needs 2 days"
	}
	return fmt.Sprintf("%d of the %d hours that a back-test needs were observed: observe %d more", e.Hours, LeastHistory, LeastHistory-e.Hours)
}

// Split returns where to part the history: the first seven tenths of the days
// with flows are there to learn from. It returns a [ShortError] where there are
// less than [LeastHistory] hours.
func (h *History) Split() (Block, error) {
	days, err := h.enough()
	if err != nil {
		return 0, err
	}
	held := max(1, (3*len(days)+5)/10)
	return days[len(days)-held], nil
}

// Rolling returns up to n borders, the beginnings of the last n days with flows
// that have a day before them.
func (h *History) Rolling(n int) ([]Block, error) {
	days, err := h.enough()
	if err != nil {
		return nil, err
	}
	return days[max(1, len(days)-n):], nil
}

func (h *History) enough() ([]Block, error) {
	days := h.days()
	if hours := h.All().span(); hours < LeastHistory {
		return nil, &ShortError{hours}
	}
	return days, nil
}

// Backtest learns on what was seen before a border and replays what came after
// it, up to the hour to. The border is the beginning of a day, see
// [History.Split] and [History.Rolling].
func (h *History) Backtest(border, to Block, train Trainer) (Trial, error) {
	judge, err := train(h.Before(border))
	if err != nil {
		return Trial{}, err
	}
	t := h.Replay(border, to, judge)
	t.Learned = h.Stretch(0, border)
	return t, nil
}
