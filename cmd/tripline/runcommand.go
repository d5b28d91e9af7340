package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"tripline/learn"
)

// Bounds of a command that a user supplies.
const (
	commandWait = 30 * time.Second
	commandMost = 64 << 20
)

// commandWords splits a command line as a person writes it: blanks between words, quotes
// around blanks. It is no shell: nothing is expanded and nothing is run beside.
func commandWords(line string) (list []string, err error) {
	var word strings.Builder
	quote, in := rune(0), false
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, in = r, true
		case r == ' ' || r == '\t':
			if in {
				list = append(list, word.String())
			}
			word.Reset()
			in = false
		default:
			word.WriteRune(r)
			in = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("the quote %c is not closed", quote)
	}
	if in {
		list = append(list, word.String())
	}
	if len(list) == 0 {
		return nil, errors.New("it is empty")
	}
	return list, nil
}

// output runs a command and returns what it prints, within bounds of time and size.
// There is no shell.
func output(ctx context.Context, args []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, commandWait)
	defer cancel()
	out, complaint := &bounded{most: commandMost}, &bounded{most: 4 << 10, drop: true}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // the user's own
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = out, complaint, time.Second
	err := cmd.Run()
	switch {
	case out.over:
		return nil, fmt.Errorf("%s printed more than %d MiB", learn.Printable(args[0]), commandMost>>20)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("%s did not end within %s", learn.Printable(args[0]), commandWait)
	case err != nil:
		said, _, _ := strings.Cut(strings.TrimSpace(string(complaint.text)), "\n")
		if said != "" {
			said = ": " + learn.Printable(said)
		}
		return nil, fmt.Errorf("%s: %w%s", learn.Printable(strings.Join(args, " ")), err, said)
	}
	return out.text, nil
}

// A bounded buffer takes so many bytes, and then fails whoever writes more. It is
// no bytes.Buffer: that one reads by itself, past any bound.
type bounded struct {
	text []byte
	most int
	drop bool // what is too much, in silence
	over bool
}

// Write implements [io.Writer].
func (b *bounded) Write(p []byte) (int, error) {
	if len(b.text)+len(p) > b.most {
		if b.over = true; b.drop {
			return len(p), nil
		}
		return 0, errors.New("more than is taken")
	}
	b.text = append(b.text, p...)
	return len(p), nil
}
