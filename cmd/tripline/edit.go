package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"

	"tripline/ipranges"
	"tripline/learn"
	"tripline/store"
)

const editHelp = `# Change what you like, save, and run the same command again to see what it opens.
# Each rule has one of name, label, asn and prefix, and ports such as [tcp/443, udp/53].
# What a rule admits and when it was seen is computed; changing it here does nothing.
`

// editing writes the proposal for a person to change, or reads it back.
func (o *reviewOptions) editing(a *app, r *reviewed) error {
	text, err := os.ReadFile(o.edit)
	if errors.Is(err, fs.ErrNotExist) {
		if err := writeFile(o.edit, append([]byte(editHelp), r.text...)); err != nil {
			return err
		}
		if !o.editor(a) {
			a.say("%s was written. Change it, then: tripline review --edit=%s", o.edit, o.edit)
			return nil
		}
		text, err = os.ReadFile(o.edit)
	}
	if err != nil {
		return fmt.Errorf("read proposal: %w", err)
	}
	var edited *reviewed
	err = a.read(func(s *store.Store) error {
		if edited, err = a.byHand(s, o.edit, text); err != nil {
			return err
		}
		edited.mark(r)
		return errors.Join(edited.seal(), a.backtest(s, edited, o.days))
	})
	if err != nil && learn.HintOf(err) == "" {
		return learn.WithHint(err, "mend it there, or remove %s to start from the proposal again", o.edit)
	}
	if err != nil {
		return err
	}
	for _, d := range edited.drafts {
		if d.proposed.Parent != head(d.approved) {
			return learn.WithHint(fmt.Errorf("%s was written against another baseline of %s than the approved one", o.edit, d.agent), "remove %s and run the command again", o.edit)
		}
	}
	return o.show(a, edited)
}

// editor opens the file in the user's editor, if there is one and a terminal.
func (o *reviewOptions) editor(a *app) bool {
	name := os.Getenv("VISUAL")
	if name == "" {
		name = os.Getenv("EDITOR")
	}
	if name == "" || !terminal(a.stdout) {
		return false
	}
	c := exec.Command("sh", "-c", name+` "$1"`, "editor", o.edit) //nolint:gosec,noctx // the user's own choice, for as long as they like
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := c.Run(); err != nil {
		a.warn("%s: %v", name, err)
		return false
	}
	return true
}

// mark notes which rules of an edited proposal are not what folding proposed.
// A rule that is keeps its evidence.
func (r *reviewed) mark(learned *reviewed) {
	for _, d := range r.drafts {
		for i := range d.proposed.Rules {
			rule := &d.proposed.Rules[i]
			was := learned.rule(d.agent, rule.To)
			same := was != nil && slices.Equal(was.Ports, rule.Ports) && slices.Equal(was.Addrs, rule.Addrs) && slices.Equal(was.To.Within, rule.To.Within)
			switch {
			case !same && rule.From == learn.Merged: // its evidence is that of other hosts
			case was == nil:
				rule.From, rule.Seen = learn.Edited, learn.Seen{}
			case !same:
				rule.From, rule.Seen = learn.Edited, was.Seen
			default:
				rule.From, rule.Seen = was.From, was.Seen
			}
		}
		d.changes = learn.Diff(d.approved, d.proposed)
	}
}

func (r *reviewed) rule(agent string, to learn.To) *learn.Rule {
	for _, d := range r.drafts {
		if d.agent != agent {
			continue
		}
		for i := range d.proposed.Rules {
			if d.proposed.Rules[i].To.String() == to.String() {
				return &d.proposed.Rules[i]
			}
		}
	}
	return nil
}

// measure computes what each rule admits. A rule that admits nothing is a
// mistake: its ranges are unknown, or all of it is never to be admitted.
func measure(b *learn.Baseline, space ipranges.Space, never learn.Never) error {
	for i := range b.Rules {
		r := &b.Rules[i]
		set, err := r.To.Set(space, r.Addrs)
		if err != nil {
			return fmt.Errorf("rule %s: %w", r.To, err)
		}
		if never.ForbidsName(r.To.Name) {
			return fmt.Errorf("rule %s: the name is never to be admitted", r.To)
		}
		r.Admits = never.Bound(set, r.To.Single()).Exposure()
		if r.Admits.IsZero() && !set.IsEmpty() && !slices.ContainsFunc(r.Addrs, learn.IsStandIn) {
			return forbidden(r, never)
		}
	}
	return nil
}

func forbidden(r *learn.Rule, never learn.Never) error {
	why := "private space is admitted one host at a time"
	if r.To.Prefix.IsValid() {
		if text, ok := never.Forbids(r.To.Prefix.Addr()); ok {
			why = "it is never to be admitted: " + text
		}
	}
	return fmt.Errorf("rule %s admits nothing: %s", r.To, why)
}
