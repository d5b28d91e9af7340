package alert

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tripline/enforce"
)

// An entry is an alert on its way to one sink.
type entry struct {
	Key      string         `json:"key"` // the same when it is raised again after a crash
	Seq      uint64         `json:"seq"`
	At       time.Time      `json:"at"`                 // when it was taken
	Gated    bool           `json:"gated,omitempty"`    // it waits until it came often enough
	Standing bool           `json:"standing,omitempty"` // it was sent, and goes on
	Alert    *enforce.Alert `json:"alert"`

	refused   int    // how often the peer refused it
	delivered uint64 // what it had taken by then
}

// idOf names what was found: its ID where it went through a ledger, else one made
// of the same things.
func idOf(a *enforce.Alert) string {
	if a.ID != "" {
		return a.ID
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{
		string(a.Kind), a.Agent, a.Verdict.String(), a.Proto, a.Dst, strconv.Itoa(int(a.Port)), a.Name, a.Subject, a.Time.UTC().Format(time.RFC3339Nano),
	}, "\x00")))
	return hex.EncodeToString(sum[:8])
}

// keyOf names one telling of what was found: that it is new, that it goes on, that
// it is over. Read again after a crash, the same flow gives the same key.
func keyOf(a *enforce.Alert) string {
	if a.Event != "" {
		return a.Event
	}
	return idOf(a) + "-" + a.Status
}

// The keys of a spool: what waits, what was sent, what was dropped.
func (c *courier) waitingKey(e *entry) string { return fmt.Sprintf("q/%s/%020d", c.Name, e.Seq) }
func (c *courier) sentKey(key string) string  { return "s/" + c.Name + "/" + key }
func (c *courier) droppedKey() string         { return "d/" + c.Name }

func (e *entry) encode() []byte {
	text, err := json.Marshal(e)
	if err != nil { // an alert is numbers, texts and times
		panic("tripline: internal error: " + err.Error())
	}
	return text
}

// before orders entries as they were taken.
func before(a, b *entry) int { return cmp.Compare(a.Seq, b.Seq) }
