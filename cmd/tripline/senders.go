package main

import (
	"fmt"
	"time"

	"tripline/ipranges"
	"tripline/learn"
	"tripline/learn/source"
)

// How often it is said who sends how much: soon, so that whoever sets up a firewall
// sees that it arrives, and then seldom.
const (
	firstRates = 10 * time.Second
	laterRates = 10 * time.Minute
)

// rates says how much each sender has sent since it was said last.
func (v *vigil) rates(now time.Time, list []source.Sender) {
	if len(list) == 0 {
		return
	}
	if v.rated.IsZero() { // as if it had been said almost long enough ago
		v.rated = now.Add(firstRates - laterRates)
	}
	if now.Sub(v.rated) < laterRates {
		return
	}
	told := map[string]source.Sender{}
	for _, f := range list {
		was := v.senders[f.Name]
		if was.Records > f.Records { // forgotten, and back again
			was = source.Sender{}
		}
		if was.Last.IsZero() {
			was.Last = f.First
		} else {
			was.Last, f.Last = v.rated, now
		}
		v.a.say("%s", senderWords(f, was))
		told[f.Name] = f
	}
	v.senders, v.rated = told, now
}

// senderWords says what came of a sender, at which rate since it was as it was.
func senderWords(f, was source.Sender) string {
	text := fmt.Sprintf("%s: %s", learn.Printable(f.Name), count(uint64(f.Records), "record", "records"))
	if span := f.Last.Sub(was.Last).Seconds(); span >= 1 {
		text += fmt.Sprintf(", %.1f a second", float64(f.Records-was.Records)/span)
	}
	return text + fmt.Sprintf(", %s missing by sequence number", ipranges.Thousands(uint64(f.Missing)))
}
