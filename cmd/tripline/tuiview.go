package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"tripline/ipranges"
	"tripline/learn"
)

// The colours of a screen, where there are any. Without them the cursor is a mark
// of its own.
const (
	reverse = "\033[7m"
	bold    = "\033[1m"
	plain   = "\033[0m"
)

// helpText says what the keys do.
var helpText = []string{
	"up, down, j, k      another row            page up, page down, g, G  further",
	"enter               open a row, and back   esc                       back",
	"",
	"a  accept           it is right            n  narrow                 a part of it will do",
	"r  reject           not on this evidence   w  widen                  more than it",
	"v  never            not on any             s  skip                   as it is approved, this once",
	"u  undo             the last decision",
	"",
	"A  approve          all that is shown, with a reason",
	"q  quit             without approving; what was decided can be kept for later",
	"",
	"Rejected rows stay at the end: a proposes them again.",
}

// View implements [tea.Model].
func (m *screen) View() tea.View {
	v := tea.NewView(strings.Join(m.lines(), "\n"))
	v.AltScreen = true
	v.WindowTitle = "tripline review"
	return v
}

// lines are those of the screen, as many as it is high and none longer than it is
// wide.
func (m *screen) lines() []string {
	out := append(m.head(), m.body()...)
	for len(out) < m.height-2 {
		out = append(out, "")
	}
	out = append(out[:max(0, min(len(out), m.height-2))], m.fit(m.said), m.keys())
	return out[max(0, len(out)-max(1, m.height)):]
}

func (m *screen) body() []string {
	switch m.mode {
	case opening:
		return m.window(m.detail, m.scroll, m.height-5)
	case helping:
		return m.window(helpText, 0, m.height-5)
	case choosing:
		return append(m.list(), m.choosingLines()...)
	case asking:
		return append(m.list(), m.askingLines()...)
	case leaving:
		return append(m.list(), "", m.fit(count(uint64(len(m.session.took)), "decision was", "decisions were")+" taken and nothing is approved. Keep what was decided for later?"))
	case listing:
	}
	out := append(m.list(), m.rule())
	return append(out, m.window(m.detail, 0, m.height-5-len(out))...)
}

// head says what is reviewed.
func (m *screen) head() []string {
	r := m.session.now
	var titles []string
	for _, d := range r.drafts {
		titles = append(titles, r.title(d))
	}
	decided := count(uint64(len(m.session.took)), "decision", "decisions")
	return []string{
		m.style(bold, m.fit(strings.Join(titles, "; "))),
		m.fit(fmt.Sprintf("digest %s, %s, %s", r.digest[:12], count(uint64(len(m.rows)), "row", "rows"), decided)),
		m.rule(),
	}
}

func (m *screen) rule() string { return strings.Repeat("-", max(0, m.width)) }

func (m *screen) keys() string {
	text := "a accept  n narrow  w widen  r reject  v never  s skip  u undo  enter open  A approve  ? help  q quit"
	if m.width < len(text) {
		text = "a/n/w/r accept narrow widen reject  v never  u undo  A approve  ? help  q quit"
	}
	switch m.mode {
	case choosing:
		text = "up and down choose  enter decides  esc back"
	case asking:
		text = "enter approves what is shown  esc back"
	case leaving:
		text = "y keep them  n drop them  esc back"
	case helping:
		text = "any key goes back"
	case opening:
		text = "up and down scroll  enter back  " + text
	case listing:
	}
	return m.style(reverse, m.fit(text))
}

// listHeight is how many rows there is space for: half of the screen, more where
// nothing else needs it.
func (m *screen) listHeight() int {
	return max(1, min(len(m.rows), (m.height-6)/2))
}

// list is the rows around the cursor.
func (m *screen) list() []string {
	if len(m.rows) == 0 {
		return []string{"no rules are proposed, and none are approved"}
	}
	n := m.listHeight()
	top := max(0, min(m.at-n/2, len(m.rows)-n))
	cells := make([][]string, 0, n)
	for i := top; i < top+n; i++ {
		cells = append(cells, m.rows[i].cells(len(m.session.now.drafts) > 1))
	}
	var out []string
	for i, line := range columns(cells) {
		if top+i == m.at {
			out = append(out, m.style(reverse, m.fit("> "+line)))
		} else {
			out = append(out, m.fit("  "+line))
		}
	}
	return out
}

// cells are a row in a list.
func (x *row) cells(agents bool) []string {
	mark := x.Mark
	if mark == "=" {
		mark = " "
	}
	out := []string{mark, strconv.Itoa(x.Row)}
	if agents {
		out = append(out, x.Agent)
	}
	return append(out, cut(x.To, 40), cut(strings.Join(x.Ports, " "), 24), strconv.Itoa(x.Seen)+" seen",
		"admits "+x.exposure.String(), cut(x.Owner, 24), strings.Join(x.Flags, ", "))
}

// columns sets cells below each other.
func columns(rows [][]string) []string {
	var wide []int
	for _, cells := range rows {
		for i, c := range cells {
			if i == len(wide) {
				wide = append(wide, 0)
			}
			wide[i] = max(wide[i], utf8.RuneCountInString(learn.Printable(c)))
		}
	}
	out := make([]string, len(rows))
	for i, cells := range rows {
		var b strings.Builder
		for j, c := range cells {
			c = learn.Printable(c)
			b.WriteString(c)
			if wide[j] > 0 {
				b.WriteString(strings.Repeat(" ", wide[j]-utf8.RuneCountInString(c)+1))
			}
		}
		out[i] = strings.TrimRight(b.String(), " ")
	}
	return out
}

func (m *screen) choosingLines() []string {
	way := "Narrow "
	if m.verb == learn.Widen {
		way = "Widen "
	}
	out := []string{m.rule(), m.fit(way + m.rows[m.at].To + " to:")}
	cells := make([][]string, len(m.choices))
	for i, c := range m.choices {
		alarms := "alarms: too early to say"
		if c.Alarms != nil {
			alarms = fmt.Sprintf("%.1f alarms a week", *c.Alarms)
		}
		cells[i] = []string{c.To, count(uint64(c.Rules), "rule", "rules"), "admits " + ipranges.Exposure{V4: c.Admits.V4, V6: c.Admits.V6}.String(), alarms}
	}
	lines := columns(cells)
	space := max(1, m.height-7-m.listHeight())
	top := max(0, min(m.choice-space/2, len(lines)-space))
	for i := top; i < min(top+space, len(lines)); i++ {
		if i == m.choice {
			out = append(out, m.style(reverse, m.fit("> "+lines[i])))
		} else {
			out = append(out, m.fit("  "+lines[i]))
		}
	}
	return out
}

func (m *screen) askingLines() []string {
	r := m.session.now
	out := []string{m.rule(), m.fit("Approve " + r.digest)}
	for _, d := range r.drafts {
		opens := learn.Exposure(d.proposed.Rules, r.space, d.never)
		out = append(out, m.fit(fmt.Sprintf("%s: %s, opening %s", d.agent, count(uint64(len(d.proposed.Rules)), "rule", "rules"), opened(opens))))
	}
	if n := undecided(m.rows); n > 0 {
		out = append(out, m.fit(count(uint64(n), "row was", "rows were")+" not decided, and will be approved as shown"))
	}
	reason := string(m.reason)
	if over := utf8.RuneCountInString(reason) - (m.width - 10); over > 0 {
		reason = "…" + string(m.reason[min(over+1, len(m.reason)):])
	}
	return append(out, "", m.fit("Reason: "+reason+"_"))
}

func undecided(rows []row) (n int) {
	for i := range rows {
		if rows[i].Decision == "" && rows[i].Mark != "=" {
			n++
		}
	}
	return n
}

// window is the part of lines that there is space for.
func (m *screen) window(lines []string, top, height int) []string {
	var out []string
	for i := max(0, top); i < len(lines) && len(out) < max(0, height); i++ {
		out = append(out, m.fit(lines[i]))
	}
	if len(out) > 0 && top+len(out) < len(lines) {
		out[len(out)-1] = m.fit(fmt.Sprintf("... %d more lines: enter", len(lines)-top-len(out)+1))
	}
	return out
}

// fit makes a line printable and no longer than the screen is wide.
func (m *screen) fit(text string) string { return cut(learn.Printable(text), max(1, m.width)) }

// style is a line in one style, where the screen has any.
func (m *screen) style(code, text string) string {
	if !m.color {
		return text
	}
	return code + text + plain
}
