package main

import (
	"encoding/json"
	"strings"

	"tripline/enforce"
	"tripline/ipranges"
	"tripline/store"
)

// mutePrefix begins the keys of mutes among what was said of alerts; those of
// acknowledgements are IDs.
const mutePrefix = "mute\x00"

// quietOf reads what people said of alerts.
func quietOf(said []store.Said) (*enforce.Quiet, error) {
	var acks []enforce.Ack
	var mutes []enforce.Mute
	for _, s := range said {
		if strings.HasPrefix(s.Key, mutePrefix) {
			var m enforce.Mute
			if err := json.Unmarshal(s.Data, &m); err != nil {
				return nil, err
			}
			mutes = append(mutes, m)
			continue
		}
		var k enforce.Ack
		if err := json.Unmarshal(s.Data, &k); err != nil {
			return nil, err
		}
		acks = append(acks, k)
	}
	return enforce.NewQuiet(acks, mutes)
}

// heed takes up what people said of alerts. What cannot be read keeps nothing
// quiet.
func (w *watching) heed(said []store.Said) {
	q, err := quietOf(said)
	if err != nil {
		w.a.warn("what was said of alerts cannot be read, so all are told: %v", err)
		q = &enforce.Quiet{}
	}
	w.quiet = q
}

// Hushed is what was not told because somebody said so. It is counted, and what is
// forbidden is never left unsaid.
type hushed struct {
	acknowledged, muted, forbidden uint64
}

// count counts a finding, once.
func (h *hushed) count(why string, al *enforce.Alert) {
	switch why {
	case enforce.Acknowledged:
		h.acknowledged++
	case enforce.Muted:
		h.muted++
	}
	if why != "" && isForbidden(al) {
		h.forbidden++
	}
}

func (h *hushed) all() uint64 { return h.acknowledged + h.muted }

// String says what was not told, with what goes before it in a summary.
func (h *hushed) String() string {
	if h.all() == 0 {
		return ""
	}
	var parts []string
	if h.acknowledged > 0 {
		parts = append(parts, ipranges.Thousands(h.acknowledged)+" acknowledged")
	}
	if h.muted > 0 {
		parts = append(parts, ipranges.Thousands(h.muted)+" muted")
	}
	text := "; not told: " + strings.Join(parts, ", ")
	if h.forbidden > 0 {
		text += ", of them " + ipranges.Thousands(h.forbidden) + " FORBIDDEN: tripline alerts ls"
	}
	return text
}
