package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"tripline/learn"
	"tripline/store"
)

type reviewOptions struct {
	fold    foldFlags
	format  string
	approve string
	reason  string
	by      string
	edit    string
	full    bool
	days    int // to be replayed one by one
	row     string
	sort    string
	decide  decideFlags
	screen  bool // decide on a terminal
	limit   limitFlags
	ceiling ceilingFlags
	what    string // to show: the review, or the frontier
	folded  bool   // whether --lambda was given
	replays bool   // whether --backtest was given
	asked   bool   // whether any flag of the proposal was given
}

func newReviewCommand(a *app) *cobra.Command {
	var o reviewOptions
	c := &cobra.Command{
		Use:   "review",
		Short: "Show what would be approved, and approve it",
		Long: `review folds what was learned into rules and shows how they differ from the
approved baseline: + new, ~ changed, - would go. Each row says how many
destinations were observed and how many addresses the rule admits. What was shown
has a digest; --approve takes it and approves exactly that, or nothing.

What was only ever refused, by the firewall or in a sandbox with --deny, is proposed
with --refused alone. Once approved it stays, also without the flag, until it is
rejected.

--edit writes the proposal to FILE (default proposal.yaml) for a person to change;
the same command reads it back once the file is there, and shows what it says.

Rows are numbered in the order of what deserves attention: rows that would change,
with warnings first (rejected before; shared and wide; then the other flags), then
by addresses admitted for each that was seen, then the newest. --row opens one.
Decisions are by the numbers of the review that was shown last, and hold in later
reviews: what is rejected stays out until it is seen on a later day or in another
run, and is then flagged; what is narrowed or widened stays so; what is never to be
admitted binds enforce at once. Each makes another digest, which is then approved.

--max-rules, --max-exposure and --alarms-per-week pick another way to fold; what that
costs elsewhere is said. --show frontier shows all ways.

No rule opens more than the ceiling. What that held back is named, with what it would
save; --allow-wide lets it. What is approved already has leave.

Back-test says what such rules would have raised: they are learned on the first
seven tenths of the days with flows, with the same limits and decisions, and the
others are replayed. A baseline is replayed as it is on the last 7 days.
--backtest shows this in full, and nothing else.

Flags of a row: shared, anyone can rent a place there; once, seen in a single hour;
raw address, no name and no publisher is known; unusual port; wide, more than
16,777,216 addresses or an IPv6 /32; rejected before, and seen again. Of what a sandbox
saw: no name asked for, own resolver and encrypted DNS, which go around names.

Exit status:
  0  shown or approved
  2  it was not; standard error says why`,
		Example: `  tripline review
  tripline review --approve 3f9a2c1d04be --reason "first week"`,
		Args: reviewArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o.folded, o.replays = c.Flags().Changed("lambda"), c.Flags().Changed("backtest")
			o.asked = slices.ContainsFunc([]string{"lambda", "agent", "refused", "expire", "min-hours", "min-runs", "max-rules", "max-exposure", "alarms-per-week", "ceiling"}, c.Flags().Changed)
			if err := errors.Join(o.limit.read(c, &o.fold), o.ceiling.read(&o.fold)); err != nil {
				return err
			}
			return o.run(c.Context(), a)
		},
	}
	f := c.Flags()
	f.StringArrayVar(&o.fold.Agents, "agent", nil, "only the agent `NAME`; repeatable")
	f.Float64Var(&o.fold.Alarms, "lambda", 0, fmt.Sprintf("alarms a week that one admitted `ADDRESS` may cost: more is narrower (default %g)", learn.DefaultLambda))
	f.BoolVar(&o.fold.Refused, "refused", false, "also propose what was only ever refused: by the firewall, or in a sandbox with --deny")
	o.fold.lifeFlags(c)
	f.StringVar(&o.format, "format", "table", "`FORMAT` of what is shown: table, json, markdown or yaml")
	f.StringVar(&o.approve, "approve", "", "approve what was shown with this `DIGEST`")
	f.StringVar(&o.reason, "reason", "", "why, kept with the approval: `TEXT`")
	f.StringVar(&o.by, "by", "", "who approves: `NAME` (default the user)")
	f.StringVar(&o.edit, "edit", "", "write the proposal to `FILE`, or read it back from there")
	f.Lookup("edit").NoOptDefVal = "proposal.yaml"
	f.IntVar(&o.days, "backtest", 0, "show in full what would have been raised, and for each of the last `DAYS`")
	f.Lookup("backtest").NoOptDefVal = strconv.Itoa(lately)
	f.BoolVar(&o.full, "all", false, "also the rows that do not change or were rejected")
	f.StringVar(&o.sort, "sort", "attention", "`ORDER` of the rows: attention, destination or admits")
	f.StringVar(&o.row, "row", "", "open the row with this `NUMBER`: evidence, and what is narrower and wider")
	o.limit.flags(c)
	o.ceiling.flags(c)
	f.StringVar(&o.what, "show", "review", "`WHAT` to show: review or frontier")
	f.BoolVarP(&o.screen, "interactive", "i", false, "decide on this terminal, row by row")
	f.StringSliceVar(&o.decide.accept, "accept", nil, "the row with this `NUMBER`, or all, is right; repeatable")
	f.StringSliceVar(&o.decide.narrow, "narrow", nil, "admit less than the row: `NUMBER[=TO]`, hosts, /26 or a destination")
	f.StringSliceVar(&o.decide.widen, "widen", nil, "admit more than the row: `NUMBER=TO`")
	f.StringSliceVar(&o.decide.reject, "reject", nil, "leave out the row with this `NUMBER` until it is seen again")
	f.StringSliceVar(&o.decide.never, "never", nil, "the row with this `NUMBER` is never to be admitted")
	f.StringSliceVar(&o.decide.skip, "skip", nil, "leave the row with this `NUMBER` as it is approved, this once")
	f.StringSliceVar(&o.decide.undo, "undo", nil, "take back what was decided of the row with this `NUMBER`")
	return c
}

// reviewFormats are looked at before anything is decided or kept.
var reviewFormats = []string{"table", "json", "markdown", "yaml"}

// reviewArgs takes no arguments, and says so where one was meant for a flag that
// takes its value after "=" only.
func reviewArgs(c *cobra.Command, args []string) error {
	for _, name := range []string{"edit", "backtest"} {
		if len(args) == 1 && c.Flags().Changed(name) {
			return learn.WithHint(fmt.Errorf("--%s %s: want its value after \"=\"", name, learn.Printable(args[0])),
				"%s --%s=%s", c.CommandPath(), name, learn.Printable(args[0]))
		}
	}
	return cobra.NoArgs(c, args)
}

func (o *reviewOptions) run(ctx context.Context, a *app) error {
	if err := o.fold.checkLife(); err != nil {
		return err
	}
	if o.folded {
		if err := o.fold.check(); err != nil {
			return err
		}
	}
	if !slices.Contains(reviewFormats, o.format) {
		return fmt.Errorf("--format %q: want table, json, markdown or yaml", learn.Printable(o.format))
	}
	if orders[o.sort] == nil {
		return fmt.Errorf("--sort %q: want attention, destination or admits", learn.Printable(o.sort))
	}
	if err := o.checkBacktest(); err != nil {
		return err
	}
	if o.what != "review" && o.what != "frontier" {
		return fmt.Errorf("--show %q: want review or frontier", learn.Printable(o.what))
	}
	switch {
	case o.decide.any():
		return o.deciding(a)
	case o.row != "":
		return o.opening(a)
	case o.approve != "":
		return o.approval(a)
	}
	var r *reviewed
	err := a.read(func(s *store.Store) (err error) {
		if r, err = a.fold(s, o.fold); err != nil {
			return err
		}
		return errors.Join(a.backtest(s, r, o.days), a.foretell(s, r))
	})
	if err != nil {
		return err
	}
	switch {
	case o.what == "frontier":
		return o.frontier(a, r)
	case o.screen:
		return o.interact(ctx, a, r)
	case o.edit != "":
		return o.editing(a, r)
	}
	return o.show(a, r)
}

// show prints a review after it was remembered.
func (o *reviewOptions) show(a *app, r *reviewed) error {
	if o.days > 0 && o.format == "table" {
		return r.showBacktest(a)
	}
	if err := a.remember(r); err != nil {
		a.warn("what is shown cannot be approved: %v", err)
	}
	switch o.format {
	case "table":
		return showTable(a, r, o.full, orders[o.sort])
	case "json":
		return showJSON(a, r)
	case "markdown":
		return showMarkdown(a, r)
	}
	_, err := a.stdout.Write(r.text)
	return err
}

// minDigest is how much of a digest has to be given.
const minDigest = 6

// approval approves what was shown with the digest that was given.
func (o *reviewOptions) approval(a *app) error {
	if len(o.approve) < minDigest {
		return learn.WithHint(fmt.Errorf("digest %q is too short, want at least %d digits", learn.Printable(o.approve), minDigest), "copy it from: tripline review")
	}
	if o.reason == "" {
		return learn.WithHint(errors.New("an approval needs a reason: it is kept with the baseline"), "tripline review --approve %s --reason \"first week\"", learn.Printable(o.approve))
	}
	if o.by == "" {
		o.by = userName()
	}
	// Nothing may come between looking and approving, so both happen while the
	// database is held.
	return a.write("review", func(s *store.Store) error { return o.approveShown(a, s) })
}

func (o *reviewOptions) approveShown(a *app, s *store.Store) error {
	r, digest, err := a.recall(s, o.approve)
	if done, ok := errors.AsType[*approvedError](err); ok {
		a.say("%s: nothing is changed", done)
		return nil
	}
	if err != nil {
		return err
	}
	approved := 0
	for _, d := range r.drafts {
		if !d.pending() {
			continue
		}
		b := *d.proposed
		b.Approved = &learn.Approval{By: o.by, At: a.now(), Reason: o.reason, Shown: digest}
		text, err := learn.Encode([]*learn.Baseline{&b})
		if err != nil {
			return err
		}
		own := learn.Digest(text)
		if err := s.Approve(b.Agent, own, b.Parent, text); err != nil {
			return err
		}
		approved++
		a.say("%s: baseline %s approved by %s: %s", b.Agent, own[:12], learn.Printable(o.by), count(uint64(len(b.Rules)), "rule", "rules"))
	}
	if approved == 0 {
		a.say("nothing to approve: the baseline is what was shown already")
		return nil
	}
	a.say("Next: tripline export --to pfsense -o aliases/")
	return nil
}

// userName returns who runs the program; behind sudo, who ran that.
func userName() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return fmt.Sprintf("uid %d", os.Getuid())
}
