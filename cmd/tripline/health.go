package main

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// A health is what is known to be wrong with a watching: one entry for each check
// that fails. Parts tell it; /healthz and the metrics show it. The zero value is
// well, but not ready. Safe for concurrent use.
type health struct {
	mu      sync.Mutex
	wrong   map[string]trouble
	metrics *metrics
	ready   bool
	turned  time.Time // the loop went round
}

// A trouble is one check that fails.
type trouble struct {
	Check string    `json:"check"` // "source filterlog", "sink telegram", "disk"
	Why   string    `json:"why"`
	Do    string    `json:"do"`
	Since time.Time `json:"since"`
}

// fails notes that a check fails, why, and what to do about it. Said again, it
// keeps the time of the first.
func (h *health) fails(check string, now time.Time, why, do string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := trouble{check, why, do, now}
	if was, ok := h.wrong[check]; ok {
		t.Since = was.Since
	}
	if h.wrong == nil {
		h.wrong = map[string]trouble{}
	}
	h.wrong[check] = t
	h.show(check, 1)
}

// passes notes that a check passes.
func (h *health) passes(check string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.wrong, check)
	h.show(check, 0)
}

func (h *health) show(check string, v float64) {
	if h.metrics != nil {
		h.metrics.trouble.set(v, check)
	}
}

// turn notes that the loop of the watching went round, which is what makes it
// ready.
func (h *health) turn(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.turned, h.ready = now, true
}

// end makes it unready: the watching stops.
func (h *health) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ready = false
}

// stuckAfter is how long one turn of the loop takes at most while nothing is wrong.
const stuckAfter = 30 * time.Second

// troubles returns all checks that fail, by name.
func (h *health) troubles(now time.Time) (ready bool, list []trouble) {
	h.mu.Lock()
	defer h.mu.Unlock()
	list = slices.SortedFunc(maps.Values(h.wrong), func(a, b trouble) int { return strings.Compare(a.Check, b.Check) })
	if stood := now.Sub(h.turned); h.ready && stood > stuckAfter {
		list = append(list, trouble{
			"loop", "nothing was read or checked for " + stood.Round(time.Second).String(),
			"a slow disk or a database that another process holds are told on standard error; else restart tripline", h.turned,
		})
	}
	return h.ready, list
}
