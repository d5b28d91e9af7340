package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"tripline/learn"
	"tripline/store"
)

// reviewing returns a screen on a store of its own in which one agent was seen at
// some destinations; names may be hostile.
func reviewing(t *testing.T, names ...string) (*app, *screen) {
	t.Helper()
	a := &app{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard, dbPath: filepath.Join(t.TempDir(), "x.db")}
	a.config.Never = learn.NewNever(nil, nil)
	err := a.write("test", func(s *store.Store) error {
		return errors.Join(s.PutAgent("bot", []byte("bot=192.0.2.50")), s.Commit(store.Batch{Run: "first", Flows: talk(names)}))
	})
	if err != nil {
		t.Fatal(err)
	}
	var r *reviewed
	err = a.read(func(s *store.Store) (err error) {
		r, err = a.fold(s, foldFlags{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return a, newScreen(newSession(a, r, "ada"), false)
}

// talk is three addresses far from each other, and names.
func talk(names []string) (flows []learn.Flow) {
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	for i, text := range []string{"192.0.2.130", "198.51.100.53", "203.0.113.7"} {
		flows = append(flows, learn.Flow{Time: at.Add(time.Duration(i) * 24 * time.Hour), Agent: "bot", Proto: learn.TCP, DstPort: 443, Dst: netip.MustParseAddr(text)})
	}
	for i, name := range names {
		flows = append(flows, learn.Flow{Time: at, Agent: "bot", Proto: learn.TCP, DstPort: 443, Dst: netip.MustParseAddr(fmt.Sprintf("198.51.100.%d", 100+i)), Name: name, Evidence: learn.SNI})
	}
	return flows
}

// press presses keys one after the other; it says whether the last one left.
func press(t *testing.T, m *screen, keys ...string) (left bool) {
	t.Helper()
	for _, key := range keys {
		_, cmd := m.Update(keyOf(key))
		left = cmd != nil
	}
	return left
}

func keyOf(key string) tea.KeyPressMsg {
	codes := map[string]rune{"enter": tea.KeyEnter, "esc": tea.KeyEscape, "down": tea.KeyDown, "up": tea.KeyUp, "backspace": tea.KeyBackspace, "pgdown": tea.KeyPgDown, "end": tea.KeyEnd, "home": tea.KeyHome}
	if code, ok := codes[key]; ok {
		return tea.KeyPressMsg{Code: code}
	}
	if key == "ctrl+c" {
		return tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl}
	}
	r, _ := utf8.DecodeRuneInString(key)
	return tea.KeyPressMsg{Code: r, Text: key}
}

func proposed(m *screen) (out []string) {
	for i := range m.session.now.drafts[0].proposed.Rules {
		out = append(out, m.session.now.drafts[0].proposed.Rules[i].To.String())
	}
	return out
}

func TestScreenDecidesAndTakesBack(t *testing.T) {
	_, m := reviewing(t)
	first, digest := m.rows[0].To, m.session.now.digest
	press(t, m, "r")
	if len(proposed(m)) != 2 || m.session.now.digest == digest || m.rows[2].To != first || m.rows[2].Mark != markRejected {
		t.Errorf("after r: proposed %v, rows %+v", proposed(m), m.rows)
	}
	press(t, m, "u")
	if len(proposed(m)) != 3 || m.session.now.digest != digest || m.rows[m.at].To != first {
		t.Errorf("after u: proposed %v at row %d", proposed(m), m.at)
	}
	press(t, m, "w", "down", "enter")
	if m.mode != listing || m.session.now.digest == digest || !strings.Contains(strings.Join(proposed(m), " "), "/26") {
		t.Errorf("after a choice: proposed %v", proposed(m))
	}
	press(t, m, "u", "end", "v")
	if len(proposed(m)) != 2 || len(m.session.now.drafts[0].left.Forbidden) != 1 {
		t.Errorf("after v: proposed %v", proposed(m))
	}
	press(t, m, "a")
	if got := undecided(m.rows); got != 1 {
		t.Errorf("%d rows are not decided after a and v, want 1", got)
	}
	press(t, m, "u", "u", "u")
	if m.session.now.digest != digest || m.said != "nothing was decided yet" {
		t.Errorf("undone twice: %q", m.said)
	}
}

func TestScreenKeepsNothingUnlessAsked(t *testing.T) {
	for name, keys := range map[string][]string{"interrupted": {"r", "ctrl+c"}, "dropped": {"r", "q", "n"}, "quit at once": {"q"}} {
		a, m := reviewing(t)
		if !press(t, m, keys...) || m.end != untouched {
			t.Errorf("%s: it did not leave, or with %v", name, m.end)
		}
		o := reviewOptions{by: "ada"}
		if err := o.ended(a, m); err != nil {
			t.Fatal(err)
		}
		wantKept(t, a, 0, "")
	}
}

func TestScreenKeepsDecisionsForLater(t *testing.T) {
	a, m := reviewing(t)
	if press(t, m, "r", "q") || !press(t, m, "y") {
		t.Fatal("it did not ask, or did not leave then")
	}
	o := reviewOptions{by: "ada"}
	if err := o.ended(a, m); err != nil {
		t.Fatal(err)
	}
	wantKept(t, a, 1, "")
}

func TestScreenApprovesExactlyWhatItShows(t *testing.T) {
	a, m := reviewing(t)
	press(t, m, "r", "A", "enter")
	if m.mode != asking || m.said == "" || !strings.Contains(strings.Join(m.lines(), "\n"), m.session.now.digest) {
		t.Errorf("it approves without a reason, or without the digest:\n%s", strings.Join(m.lines(), "\n"))
	}
	press(t, m, "n", "o", "\x1b", "x", "backspace")
	if !press(t, m, "enter") {
		t.Fatal("it did not leave")
	}
	o := reviewOptions{by: "ada"}
	if err := o.ended(a, m); err != nil {
		t.Fatal(err)
	}
	wantKept(t, a, 1, "no")
}

// wantKept checks how many decisions are kept and why a baseline was approved, ""
// if none was.
func wantKept(t *testing.T, a *app, decisions int, reason string) {
	t.Helper()
	err := a.read(func(s *store.Store) error {
		got, err := decisionsOf(s, "bot")
		if err != nil || len(got) != decisions {
			t.Errorf("%d decisions (%v) are kept, want %d", len(got), err, decisions)
		}
		b, err := baseline(s, "bot")
		if err != nil || (b != nil) != (reason != "") || b != nil && (b.Approved.Reason != reason || len(b.Rules) != 2) {
			t.Errorf("got the baseline %+v (%v), want one for %q", b, err, reason)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestScreenIsStaleOnceMoreWasLearned(t *testing.T) {
	a, m := reviewing(t)
	press(t, m, "r", "A", "x", "enter")
	err := a.write("test", func(s *store.Store) error {
		f := talk(nil)[0]
		f.Dst = netip.MustParseAddr("198.51.100.200")
		return s.Commit(store.Batch{Run: "second", Flows: []learn.Flow{f}})
	})
	if err != nil {
		t.Fatal(err)
	}
	o := reviewOptions{by: "ada"}
	if err := o.ended(a, m); err == nil || !strings.Contains(err.Error(), "nothing was kept") {
		t.Errorf("got %v, want that nothing was kept", err)
	}
	wantKept(t, a, 0, "")
}

// TestScreenFitsAndShowsNothingHostile draws all modes in all sizes.
func TestScreenFitsAndShowsNothingHostile(t *testing.T) {
	_, m := reviewing(t, "evil\x1b[2J\u202e.example", strings.Repeat("a.", 120)+"example", "xn--e1afmkfd.example", "名前.example")
	for _, keys := range [][]string{nil, {"enter"}, {"enter", "?"}, {"?", "w"}, {"esc", "A"}, {"ö", "esc", "r", "q"}, {"esc", "end", "enter", "pgdown"}} {
		press(t, m, keys...)
		for _, size := range [][2]int{{80, 24}, {200, 50}, {20, 5}, {1, 1}, {300, 3}, {40, 100}} {
			m.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
			lines := strings.Split(m.View().Content, "\n")
			if len(lines) > size[1] {
				t.Errorf("%v: %d lines on %d", keys, len(lines), size[1])
			}
			for _, line := range lines {
				if utf8.RuneCountInString(line) > size[0] || learn.Printable(line) != line {
					t.Errorf("%v: %dx%d: got %q", keys, size[0], size[1], line)
				}
			}
		}
	}
}

func TestScreenOfNothing(t *testing.T) {
	_, m := reviewing(t)
	press(t, m, "r", "r", "r")
	press(t, m, "j", "k", "n", "enter", "esc", "A")
	if m.session.now.drafts[0].proposed.Rules != nil {
		t.Errorf("still proposed: %v", proposed(m))
	}
}

func TestInteractiveNeedsATerminal(t *testing.T) {
	a, m := reviewing(t)
	o := reviewOptions{}
	if err := o.interact(t.Context(), a, m.session.base); err == nil || learn.HintOf(err) == "" {
		t.Errorf("got %v, want an error with a hint", err)
	}
	null, err := os.Open(os.DevNull)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("there is no null device")
	}
	defer null.Close()
	a.stdin = null
	if err := o.interact(t.Context(), a, m.session.base); err == nil {
		t.Error("the null device is taken for a terminal")
	}
}
