// Package alert is where alerts go: one file a kind of sink, one list, and the
// outbox that brings them there.
//
// # Vocabulary
//
// A [Format] writes one alert as text. A [Kind] is a way to send alerts; a [Sink]
// is one opened. A [Route] is a sink as it was configured: what it takes, when,
// and how much at once. An [Outbox] holds what was not delivered yet, on disk in
// a [Spool], and tries again.
//
// # What it promises
//
// An alert is one record of its sink, whatever text came from the network: it
// can neither end a line nor write to a terminal.
//
// What an [Outbox] took is delivered, also after a kill and a restart, or it is
// counted and told. What the peer acknowledged and was recorded is not sent again.
// Taking never waits for a sink. A sink that fails is told to the others, never to
// itself.
//
// # What it does not do
//
// It decides nothing: what repeats is counted by enforce.Watch.
package alert

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tripline/enforce"
	"tripline/learn"
)

// A Kind is a way to send alerts.
type Kind struct {
	Name  string // what "to:" in the configuration calls it
	Short string // one line of help
	Keys  []Key  // its settings
	Pace  Pace   // unless the configuration says otherwise
	Open  func(*Settings) (Sink, error)
}

// A Key is one setting of a kind.
type Key struct {
	Name     string
	Short    string // one line of help
	Required bool
	Secret   bool // NAME_file or NAME_env says where it is
}

// A Pace is how much a sink is told at once, and how often.
type Pace struct {
	Batch    int           // alerts in one message
	Window   time.Duration // after a message, what comes is collected for so long
	Rate     learn.Rate
	Gap      time.Duration // least time between two messages
	Timeout  time.Duration // of one try
	Statuses []string      // that it takes; nil for all
	Standing time.Duration // what was not resolved is sent again that often; 0 never
}

// A Sink is one place that alerts go to. Send is called by one goroutine at a time;
// it returns what the peer answered. An error may wrap a [PeerError]; any other is
// tried again.
type Sink interface {
	Send(ctx context.Context, m *Message) (answer string, err error)
	Close() error
}

// All are the kinds, by name.
var All = []Kind{
	alertmanager, cefFile, ecsFile, jsonFile, leefFile, ntfy, ocsfFile, shoutrrrSink, smtp, syslogSink, telegram, wazuhFile, webhook,
}

// A PeerError is an answer other than yes.
type PeerError struct {
	Answer  string        // what it said, hostile text
	After   time.Duration // it asks to be left alone for so long
	Refused bool          // it will not take this message however often it is sent
}

// Error says what the peer answered.
func (e *PeerError) Error() string { return "the peer answered " + learn.Printable(e.Answer) }

// find returns the kind of that name and what stood behind it: shoutrrr+URL.
func find(name string) (Kind, string, error) {
	name, rest, _ := strings.Cut(name, "+")
	for _, k := range All {
		if k.Name == name && (rest == "" || k.Name == "shoutrrr") {
			return k, rest, nil
		}
	}
	if name == "" {
		return Kind{}, "", learn.WithHint(errors.New("it does not say where to"), `add "to: KIND"; "tripline alert kinds" lists the kinds`)
	}
	err := fmt.Errorf("no kind of sink is called %q", learn.Printable(name))
	if near, ok := nearest(name, kindNames()); ok {
		return Kind{}, "", learn.WithHint(err, "did you mean %q?", near)
	}
	return Kind{}, "", learn.WithHint(err, `"tripline alert kinds" lists the kinds`)
}

func kindNames() (names []string) {
	for _, k := range All {
		names = append(names, k.Name)
	}
	return names
}

// nearest returns the name that differs least from what was typed, if it is near
// enough to be a slip of the fingers.
func nearest(typed string, names []string) (best string, ok bool) {
	least := min(3, (len(typed)+1)/2) // half of it is another word
	for _, name := range names {
		if d := learn.Slips(name, typed); d < least {
			best, least, ok = name, d, true
		}
	}
	return best, ok
}

// rank is how much an alert matters, as a place in [enforce.Severities].
func rank(a *enforce.Alert) int {
	for i, s := range enforce.Severities {
		if s == a.Severity {
			return i
		}
	}
	return 0
}
