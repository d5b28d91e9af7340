package store

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"tripline/learn"
)

// A holder is the note beside an open file that says who has it. The lock is
// the kernel's and ends with the process; the note only names it and may be
// missing or stale. Of several readers the last to come is named.
type holder struct {
	PID     int       `json:"pid"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
}

func notePath(path string) string { return path + ".lock" }

// hold leaves the note. Where it cannot be written nobody is named, and that is
// all.
func hold(path, command string) *holder {
	h := &holder{os.Getpid(), cmp.Or(command, "tripline"), time.Now().UTC()}
	note, err := json.Marshal(h)
	if err == nil {
		err = os.WriteFile(notePath(path), append(note, '\n'), 0o600)
	}
	if err != nil {
		return nil
	}
	return h
}

// release removes the note, unless another reader has replaced it.
func (h *holder) release(path string) {
	if h == nil {
		return
	}
	if now, err := readNote(path); err == nil && now.PID == h.PID && now.Since.Equal(h.Since) {
		_ = os.Remove(notePath(path)) // a stale note is recognised
	}
}

func readNote(path string) (h holder, err error) {
	b, err := os.ReadFile(notePath(path))
	if err != nil {
		return holder{}, err
	}
	if err := json.Unmarshal(b, &h); err != nil || h.PID <= 0 {
		return holder{}, errors.New("unreadable note")
	}
	return h, nil
}

// locked says who has the file.
func locked(path string) error {
	h, err := readNote(path)
	switch {
	case err != nil:
		return learn.WithHint(fmt.Errorf("open %s: %w by another process", path, ErrLocked),
			"try again when it is done")
	case !alive(h.PID):
		err := fmt.Errorf("open %s: %w by another process (not pid %d, which left its note and is gone)", path, ErrLocked, h.PID)
		return learn.WithHint(err, "try again when it is done")
	}
	err = fmt.Errorf("open %s: %w by pid %d (%s) since %s", path, ErrLocked, h.PID,
		printable(h.Command), h.Since.Format(time.RFC3339))
	return learn.WithHint(err, "try again when it is done, or stop it: kill %d", h.PID)
}

// alive says whether a process exists, as far as this one can see.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	err = p.Signal(syscall.Signal(0))
	return !errors.Is(err, os.ErrProcessDone) && !errors.Is(err, syscall.ESRCH)
}

// printable replaces what could command a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return '?'
		}
		return r
	}, s)
}
