package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"tripline/learn"
	"tripline/store"
)

// decideFlags are the decisions of one command. Numbers are those of the review
// that was shown last.
type decideFlags struct {
	accept, reject, never, skip, undo []string // N, or "all" to accept
	narrow, widen                     []string // N or N=TO
}

func (f *decideFlags) any() bool {
	return len(f.accept)+len(f.reject)+len(f.never)+len(f.skip)+len(f.undo)+len(f.narrow)+len(f.widen) > 0
}

// A ruling is a decision on one row, as it was asked for.
type ruling struct {
	verb   learn.Verb // "" takes back
	row    int
	choice string
}

// rulings returns what was asked for, each row once.
func (f *decideFlags) rulings(rows []row) (list []ruling, err error) {
	for _, g := range []struct {
		flag string
		verb learn.Verb
		args []string
	}{
		{"accept", learn.Accept, f.accept},
		{"narrow", learn.Narrow, f.narrow},
		{"widen", learn.Widen, f.widen},
		{"reject", learn.Reject, f.reject},
		{"never", learn.Forbid, f.never},
		{"skip", learn.Skip, f.skip},
		{"undo", "", f.undo},
	} {
		for _, text := range g.args {
			if g.verb == learn.Accept && text == "all" {
				list = append(list, acceptAll(rows)...)
				continue
			}
			one, err := parseRuling(g.flag, g.verb, text, rows)
			if err != nil {
				return nil, err
			}
			list = append(list, one)
		}
	}
	slices.SortStableFunc(list, func(a, b ruling) int { return a.row - b.row })
	for i := range list {
		if j := slices.IndexFunc(list[:i], func(o ruling) bool { return o.row == list[i].row }); j >= 0 {
			return nil, fmt.Errorf("row %d is decided twice", list[i].row)
		}
	}
	return list, nil
}

func acceptAll(rows []row) (list []ruling) {
	for i := range rows {
		if rows[i].Mark != markRejected && rows[i].Mark != "=" {
			list = append(list, ruling{verb: learn.Accept, row: rows[i].Row})
		}
	}
	return list
}

func parseRuling(flag string, verb learn.Verb, text string, rows []row) (ruling, error) {
	number, choice := text, ""
	if verb == learn.Narrow || verb == learn.Widen {
		number, choice, _ = strings.Cut(text, "=")
	}
	n, err := rowNumber(flag, number, rows)
	if err == nil && verb == learn.Widen && choice == "" {
		err = learn.WithHint(fmt.Errorf("--widen %d: want what to widen it to", n), "tripline review --row %d shows what there is", n)
	}
	return ruling{verb, n, choice}, err
}

// rowNumber reads the number of a row that there is.
func rowNumber(flag, text string, rows []row) (int, error) {
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		return 0, learn.WithHint(fmt.Errorf("--%s %q: want the number of a row", flag, learn.Printable(text)), "tripline review --all shows all rows with their numbers")
	case len(rows) == 0:
		return 0, fmt.Errorf("--%s %d: there is no row", flag, n)
	case n < 1 || n > len(rows):
		return 0, learn.WithHint(fmt.Errorf("--%s %d: there is no such row, want 1 to %d", flag, n, len(rows)), "tripline review --all shows all rows with their numbers")
	}
	return n, nil
}

// deciding takes the decisions that were asked for and shows what is proposed
// then.
func (o *reviewOptions) deciding(a *app) error {
	if o.edit != "" || o.approve != "" || o.row != "" {
		return errors.New("decisions, --row, --edit and --approve come one after the other: each shows what the next begins with")
	}
	if o.by == "" {
		o.by = userName()
	}
	var r *reviewed
	err := a.write("review", func(s *store.Store) (err error) {
		if r, err = o.shownLast(a, s); err != nil {
			return err
		}
		if r.kind != kindLearned {
			return learn.WithHint(errors.New("what was shown last was written by hand: its rows are decided there"), "tripline review")
		}
		o.allowed(r)
		if r, err = o.take(a, s, r); err != nil {
			return err
		}
		return errors.Join(a.backtest(s, r, 0), a.foretell(s, r))
	})
	if err != nil {
		return err
	}
	return o.show(a, r)
}

// take keeps the decisions and folds again.
func (o *reviewOptions) take(a *app, s *store.Store, r *reviewed) (*reviewed, error) {
	rows := r.rows()
	list, err := o.decide.rulings(rows)
	if err != nil {
		return nil, err
	}
	kept := map[string][]store.Decided{}
	var said []string
	for _, x := range list {
		of := &rows[x.row-1]
		d, err := a.decision(r, of, x, o.by)
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", x.row, err)
		}
		said = append(said, fmt.Sprintf("row %d, %s %s: %s", x.row, learn.Printable(of.To), strings.Join(of.Ports, " "), d.words()))
		if err := d.keep(of, kept, &o.fold); err != nil {
			return nil, err
		}
	}
	for _, agent := range r.drafts {
		if err := s.PutDecisions(agent.agent, kept[agent.agent]); err != nil {
			return nil, err
		}
	}
	for _, line := range said {
		a.say("%s", line)
	}
	return a.fold(s, o.fold)
}

// A taken is a decision, or one that is taken back.
type taken struct {
	learn.Decision
	back []string // the keys of decisions that it takes back
}

func (d *taken) words() string {
	if d.Verb == "" {
		return "taken back"
	}
	if d.Verb == learn.Narrow || d.Verb == learn.Widen {
		return string(d.Verb) + " to " + learn.Printable(d.Choice.String())
	}
	return string(d.Verb)
}

// keep notes d for the store, or, if it is for this review only, in the flags.
func (d *taken) keep(of *row, kept map[string][]store.Decided, fold *foldFlags) error {
	for _, key := range d.back {
		kept[of.Agent] = append(kept[of.Agent], store.Decided{Key: key})
		fold.Skips = slices.DeleteFunc(fold.Skips, func(s skip) bool { return s.Agent == of.Agent && s.key() == key })
	}
	if d.Verb == "" {
		return nil
	}
	text, err := learn.EncodeDecision(d.Decision)
	switch {
	case err != nil:
		return err
	case d.Verb == learn.Skip:
		fold.Skips = append(fold.Skips, skip{of.Agent, text})
	default:
		kept[of.Agent] = append(kept[of.Agent], store.Decided{Key: d.Key(), Data: text})
	}
	return nil
}

func (s *skip) key() string {
	d, err := learn.DecodeDecision(s.Decision)
	if err != nil {
		return ""
	}
	return d.Key()
}

func (r *reviewed) draft(agent string) *draft {
	return r.drafts[slices.IndexFunc(r.drafts, func(d *draft) bool { return d.agent == agent })]
}

// decisionsOf returns what was decided of an agent's rows.
func decisionsOf(s *store.Store, agent string) ([]learn.Decision, error) {
	list, err := s.Decisions(agent)
	if err != nil {
		return nil, err
	}
	out := make([]learn.Decision, len(list))
	for i := range list {
		if out[i], err = learn.DecodeDecision(list[i].Data); err != nil {
			return nil, fmt.Errorf("agent %s: %w", agent, err)
		}
	}
	return out, nil
}

// sightings returns when an agent was observed.
func sightings(ds []learn.Destination) (since, until time.Time) {
	for i := range ds {
		if since.IsZero() || ds[i].First.Before(since) {
			since = ds[i].First
		}
		if ds[i].Last.After(until) {
			until = ds[i].Last
		}
	}
	return since, until
}

// extent returns the evidence there is of an agent: up to when, and in which
// runs.
func extent(ds []learn.Destination) (until time.Time, runs []string) {
	_, until = sightings(ds)
	seen := map[string]bool{}
	for i := range ds {
		for _, run := range ds[i].Runs {
			seen[run] = true
		}
	}
	return until, slices.Sorted(maps.Keys(seen))
}
