package alert

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"tripline/enforce"
	"tripline/ipranges"
	"tripline/learn"
)

// A Message is what is sent at once.
type Message struct {
	ID     string // the same when it is tried again
	Alerts []*enforce.Alert
	Digest bool // of what was held back
	Again  bool // what was told before and still goes on
	Test   bool
}

// messageID names what a message holds, so that a peer can tell that it had it.
func messageID(keys []string) string {
	sum := sha256.Sum256([]byte(strings.Join(keys, "\x00")))
	return hex.EncodeToString(sum[:12])
}

// listed is how many findings a message for a person spells out.
const listed = 10

// worst returns the alerts of a message, what matters most first.
func (m *Message) worst() []*enforce.Alert {
	list := slices.Clone(m.Alerts)
	slices.SortStableFunc(list, func(a, b *enforce.Alert) int { return cmp.Compare(rank(b), rank(a)) })
	return list
}

// Title says in one line what a message is about: "unexpected: bot to
// 203.0.113.9:443" or "3 findings of bot: 203.0.113.9:443, ...".
func (m *Message) Title() string {
	list := m.worst()
	title := headline(list[0])
	if len(list) > 1 {
		title = ipranges.Thousands(uint64(len(list))) + " findings" + of(list) + ": " + subjects(list)
	}
	if m.Digest {
		title = "held back: " + title
	}
	if m.Test {
		title = "test: " + title
	}
	return title
}

// headline is one alert in one line.
func headline(a *enforce.Alert) string {
	what := learn.Printable(string(a.Kind))
	if isVerdict(a) {
		what = a.Verdict.String()
	}
	if a.Status != "" && a.Status != enforce.StatusNew && a.Status != enforce.StatusMore {
		what += ", " + learn.Printable(a.Status)
	}
	if a.Agent != "" {
		return what + ": " + learn.Printable(a.Agent) + ": " + subject(a)
	}
	return what + ": " + subject(a)
}

func isVerdict(a *enforce.Alert) bool { return a.Kind == enforce.Destination || a.Kind == "" }

// subject is what an alert is about.
func subject(a *enforce.Alert) string {
	if !isVerdict(a) || a.Dst == "" {
		return learn.Printable(cmp.Or(a.Subject, a.Dst, a.Why))
	}
	return endpoint(a)
}

// of names the agents of alerts, where there are few.
func of(list []*enforce.Alert) string {
	var names []string
	for _, a := range list {
		if name := learn.Printable(a.Agent); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	switch {
	case len(names) == 0:
		return ""
	case len(names) > 3:
		return " of " + ipranges.Thousands(uint64(len(names))) + " agents"
	}
	return " of " + strings.Join(names, ", ")
}

// subjects names the first few things that alerts are about.
func subjects(list []*enforce.Alert) string {
	var names []string
	for _, a := range list {
		if name := subject(a); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) > 3 {
		names = append(names[:3], "...")
	}
	return strings.Join(names, ", ")
}

// Body says it all for a person, within about limit bytes: the findings that matter
// most in full, and how many more there are.
func (m *Message) Body(limit int) string {
	var b strings.Builder
	list := m.worst()
	for i, a := range list {
		var one strings.Builder
		_ = writeText(&one, a) // a Builder never fails
		if i >= listed || (i > 0 && b.Len()+one.Len()+len(andMore(1e6)) > limit) {
			b.WriteString(andMore(len(list) - i))
			break
		}
		b.WriteString(cut(one.String(), limit))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func andMore(n int) string {
	return fmt.Sprintf("and %s more; see \"tripline alerts ls\"\n", ipranges.Thousands(uint64(n)))
}

// cut shortens text to at most limit bytes, between two characters, and says so.
func cut(s string, limit int) string {
	const mark = "..."
	if len(s) <= limit {
		return s
	}
	end := max(0, limit-len(mark))
	for end > 0 && s[end]&0xc0 == 0x80 {
		end--
	}
	return s[:end] + mark
}
