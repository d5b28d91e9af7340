package enforce

import "math"

// A Share learns which share of the records of a source cannot be read, and says
// when it rises. It judges windows: one whose share would come about by chance less
// often than once in a million has risen. The zero value knows no unreadable record.
type Share struct {
	Usual    float64 `json:"usual"` // of past windows, late ones more
	Bad, All uint64  `json:"-"`     // of the window that is open
}

const (
	shareFloor  = 0.001    // a share that is nothing
	shareLeast  = 0.01     // one that may matter
	shareWindow = 20       // records that a window has at least
	shareMemory = 300      // windows after which the past weighs a third
	shareChance = 13.8     // -ln of one in a million
	shareSure   = 1 - 1e-9 // so that logarithms are finite
)

// Close ends a window. It says which share of it could not be read, what was usual
// before, and whether that is a rise; enough is false, and the window goes on, where
// it has too few records to judge.
func (s *Share) Close() (now, usual float64, risen, enough bool) {
	if s.All < shareWindow {
		return 0, s.Usual, false, false
	}
	n := float64(s.All)
	now, usual = float64(s.Bad)/n, s.Usual
	risen = now >= shareLeast && now > usual && n*apart(now, max(usual, shareFloor)) > shareChance
	s.Usual += (now - s.Usual) / shareMemory
	s.Bad, s.All = 0, 0
	return now, usual, risen, true
}

// apart is how far one share is from another, as Kullback and Leibler measure it:
// n times that bounds the logarithm of the chance (Chernoff).
func apart(q, p float64) float64 {
	q, p = min(q, shareSure), min(p, shareSure)
	if q <= p {
		return 0
	}
	return q*math.Log(q/p) + (1-q)*math.Log((1-q)/(1-p))
}
