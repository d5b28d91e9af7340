package main

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tripline/learn"
)

// A mode is what the keys of a screen mean.
type mode int

const (
	listing  mode = iota // rows, with the one below the cursor opened
	opening              // one row, on all of the screen
	choosing             // what to narrow or widen a row to
	asking               // for the reason of an approval
	leaving              // with decisions that were not approved
	helping
)

// An ending says how a person left the screen.
type ending int

const (
	untouched ending = iota // nothing is kept
	keeping                 // the decisions, for later
	approving               // all that is shown, for the reason that was given
)

// A screen is an interactive review. It keeps nothing: what was decided is in its
// session, how it ended in end.
type screen struct {
	session *session
	color   bool

	width, height int
	mode          mode
	rows          []row
	at            int // the row below the cursor
	detail        []string
	scroll        int // of the detail
	choices       []alternativeJSON
	choice        int
	verb          learn.Verb // what is chosen for
	reason        []rune
	said          string // the last thing to say
	end           ending
}

func newScreen(s *session, color bool) *screen {
	m := &screen{session: s, color: color, width: 80, height: 24}
	m.reload()
	return m
}

// Init implements [tea.Model].
func (m *screen) Init() tea.Cmd { return nil }

// Update implements [tea.Model].
func (m *screen) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		return m, m.key(msg)
	case tea.PasteMsg:
		if m.mode == asking {
			m.write(msg.Content)
		}
	}
	return m, nil
}

// key is one key. Control and C leaves at once, and keeps nothing.
func (m *screen) key(k tea.KeyPressMsg) tea.Cmd {
	key := k.String()
	if key == "ctrl+c" {
		m.end = untouched
		return tea.Quit
	}
	switch m.mode {
	case asking:
		return m.askingKey(key, k.Key().Text)
	case leaving:
		return m.leavingKey(key)
	case choosing:
		m.choosingKey(key)
	case helping:
		m.mode = listing
	case listing, opening:
		return m.rowKey(key)
	}
	return nil
}

// verbs are the keys that decide the row below the cursor.
var verbs = map[string]learn.Verb{
	"a": learn.Accept, "r": learn.Reject, "v": learn.Forbid, "s": learn.Skip, "n": learn.Narrow, "w": learn.Widen,
}

func (m *screen) rowKey(key string) tea.Cmd {
	m.said = ""
	if verb, ok := verbs[key]; ok {
		m.decide(verb)
		return nil
	}
	switch key {
	case "u":
		m.undo()
	case "A":
		m.approve()
	case "?":
		m.mode = helping
	case "q":
		return m.leave()
	case "enter", "esc":
		m.toggle(key == "enter")
	default:
		m.move(key)
	}
	return nil
}

func (m *screen) toggle(open bool) {
	m.scroll = 0
	if m.mode == opening || !open || len(m.rows) == 0 {
		m.mode = listing
		return
	}
	m.mode = opening
}

// move moves the cursor, or scrolls what is opened.
func (m *screen) move(key string) {
	by, page := 0, max(1, m.listHeight()-1)
	switch key {
	case "j", "down":
		by = 1
	case "k", "up":
		by = -1
	case "pgdown", "space", "ctrl+f":
		by = page
	case "pgup", "ctrl+b":
		by = -page
	case "g", "home":
		by = -len(m.rows) - len(m.detail)
	case "G", "end":
		by = len(m.rows) + len(m.detail)
	}
	if m.mode == opening {
		m.scroll = max(0, min(m.scroll+by, len(m.detail)-1))
		return
	}
	if at := max(0, min(m.at+by, len(m.rows)-1)); at != m.at {
		m.at = at
		m.open()
	}
}

// decide decides the row below the cursor, at once or after a choice.
func (m *screen) decide(verb learn.Verb) {
	if len(m.rows) == 0 {
		m.said = "there is no row"
		return
	}
	if verb == learn.Narrow || verb == learn.Widen {
		m.choose(verb)
		return
	}
	m.take(verb, "")
}

func (m *screen) choose(verb learn.Verb) {
	x := m.rows[m.at]
	if err := x.allows(verb); err != nil {
		m.said = err.Error()
		return
	}
	m.choices = slices.DeleteFunc(m.session.now.opened(&x).Alternatives, func(c alternativeJSON) bool { return c.Wider != (verb == learn.Widen) })
	if len(m.choices) == 0 {
		m.said = fmt.Sprintf("nothing is %ser than %s", verb, x.To)
		return
	}
	m.mode, m.verb, m.choice = choosing, verb, 0
	if verb == learn.Narrow { // the next step, not the last
		m.choice = len(m.choices) - 1
	}
}

func (m *screen) choosingKey(key string) {
	switch key {
	case "j", "down":
		m.choice = min(m.choice+1, len(m.choices)-1)
	case "k", "up":
		m.choice = max(m.choice-1, 0)
	case "enter":
		m.mode = listing
		m.take(m.verb, m.choices[m.choice].To)
	case "esc", "q":
		m.mode = listing
	}
}

func (m *screen) take(verb learn.Verb, choice string) {
	x := m.rows[m.at]
	if err := m.session.take(x, verb, choice); err != nil {
		m.said = err.Error()
		return
	}
	last := m.session.took[len(m.session.took)-1]
	m.said = fmt.Sprintf("%s %s: %s", x.To, strings.Join(x.Ports, " "), last.words())
	m.reload()
	if verb == learn.Accept {
		m.next(&x)
	} else {
		m.find(&x)
	}
}

func (m *screen) undo() {
	last, some, err := m.session.undo()
	switch {
	case err != nil:
		m.said = err.Error()
	case !some:
		m.said = "nothing was decided yet"
	default:
		m.said = fmt.Sprintf("%s %s: not decided", last.of.To, strings.Join(last.of.Ports, " "))
		m.reload()
		m.find(&last.of)
	}
}

// reload numbers and orders the rows anew.
func (m *screen) reload() {
	m.rows = m.session.now.rows()
	m.at = max(0, min(m.at, len(m.rows)-1))
	m.mode = listing
	m.open()
}

// find puts the cursor on the row for the same rule. If there is none any more it
// stays, but not on a rejected row, which the next key would bring back.
func (m *screen) find(x *row) {
	for i := range m.rows {
		if m.rows[i].Agent == x.Agent && m.rows[i].To == x.To && slices.Equal(m.rows[i].Ports, x.Ports) && m.rows[i].Mark != markRejected {
			m.at = i
			m.open()
			return
		}
	}
	for m.at > 0 && m.rows[m.at].Mark == markRejected {
		m.at--
	}
	m.open()
}

// next leaves the cursor where it is: what was accepted went down, and the next
// one is there now. If it did not, the cursor goes on.
func (m *screen) next(x *row) {
	if len(m.rows) > m.at && m.rows[m.at].To == x.To && m.rows[m.at].Agent == x.Agent {
		m.move("down")
	}
}

// open computes what is shown of the row below the cursor.
func (m *screen) open() {
	m.detail, m.scroll = nil, 0
	if len(m.rows) > 0 {
		m.detail = m.session.now.opened(&m.rows[m.at]).lines()
	}
}

func (m *screen) approve() {
	if !m.session.now.pending() {
		m.said = "nothing to approve: this is the baseline"
		return
	}
	m.mode = asking
}

// maxReason is how long a reason may be.
const maxReason = 500

func (m *screen) askingKey(key, text string) tea.Cmd {
	switch key {
	case "esc":
		m.mode = listing
	case "backspace":
		m.reason = m.reason[:max(0, len(m.reason)-1)]
	case "ctrl+u":
		m.reason = nil
	case "enter":
		if strings.TrimSpace(string(m.reason)) == "" {
			m.said = "an approval needs a reason: it is kept with the baseline"
			return nil
		}
		m.end = approving
		return tea.Quit
	default:
		m.write(text)
	}
	return nil
}

// write adds to the reason what is printable.
func (m *screen) write(text string) {
	for _, r := range text {
		if len(m.reason) < maxReason && learn.Printable(string(r)) == string(r) {
			m.reason = append(m.reason, r)
		}
	}
}

func (m *screen) leave() tea.Cmd {
	if len(m.session.took) == 0 {
		return tea.Quit
	}
	m.mode = leaving
	return nil
}

func (m *screen) leavingKey(key string) tea.Cmd {
	switch key {
	case "y":
		m.end = keeping
		return tea.Quit
	case "n":
		m.end = untouched
		return tea.Quit
	case "esc":
		m.mode = listing
	}
	return nil
}
