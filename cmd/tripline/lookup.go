package main

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tripline/ipranges"
	"tripline/learn"
)

func newRangesLookupCommand(a *app) *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "lookup ADDRESS|PREFIX|NAME...",
		Short: "Say whose an address is, and what each level would open",
		Long: `lookup prints every published set that holds an address and the system that announces
it, smallest first, each with the addresses a rule for it would admit. Shared says who
else can be there. Of a prefix it says how much of it is in each set; of a name, what
publishers say of it: names are not resolved. - reads a list from standard input, the
first word of each line.

Exit status:
  0  printed
  2  it could not be; standard error says why`,
		Example: `  tripline ranges lookup 52.216.1.2 api.github.com
  tripline ranges lookup --format json - < addresses.txt`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return learn.WithHint(errors.New("no address to look up"), "tripline ranges lookup 52.216.1.2")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.lookup(args, format) },
	}
	c.Flags().StringVar(&format, "format", "table", "`FORMAT` of output: table or json (one object a line)")
	return c
}

func (a *app) lookup(args []string, format string) error {
	if format != "table" && format != "json" {
		return fmt.Errorf("--format %q: want table or json", learn.Printable(format))
	}
	args, err := a.words(args)
	if err != nil {
		return err
	}
	w, err := a.newWhose()
	if err != nil {
		return err
	}
	var levels []level
	for _, text := range args {
		found, err := w.levels(text)
		if err != nil {
			return err
		}
		levels = append(levels, found...)
	}
	if w.named {
		a.say("Names are not resolved: this is what publishers say of them, not where they are.")
	}
	if format == "json" {
		return jsonLines(a, levels)
	}
	return a.levelsTable(levels)
}

// words returns args with the first word of each line of standard input in
// place of "-".
func (a *app) words(args []string) (out []string, err error) {
	for _, arg := range args {
		if arg != "-" {
			out = append(out, arg)
			continue
		}
		lines := bufio.NewScanner(a.stdin)
		for lines.Scan() {
			text, _, _ := strings.Cut(lines.Text(), "#")
			if fields := strings.Fields(text); len(fields) > 0 {
				out = append(out, fields[0])
			}
		}
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
	}
	return out, nil
}

// A level is one set around what was asked for.
type level struct {
	Address   string `json:"address"` // what was asked for
	Set       string `json:"set"`
	Admits    admits `json:"admits"`
	Shared    bool   `json:"shared"`
	Because   string `json:"because,omitempty"` // who else is there
	Direction string `json:"direction,omitempty"`
	Inside    uint64 `json:"inside,omitempty"` // of a prefix: how many of its addresses or /64 networks are in the set
	Pattern   string `json:"pattern,omitempty"`
	Org       string `json:"org,omitempty"`
}

// levelOf returns the level of a published set.
func levelOf(asked string, l ipranges.Label, set ipranges.Set) level {
	v := level{Address: asked, Set: l.String(), Admits: newAdmits(set.Exposure()), Shared: ipranges.Shared(l), Because: ipranges.SharedBecause(l)}
	if ipranges.Inbound(l) {
		v.Direction = "inbound"
	}
	return v
}

func (a *app) levelsTable(levels []level) error {
	g := &grid{header: []string{"address", "set", "inside", "admits", "shared", "organisation"}, right: map[int]bool{2: true, 3: true}}
	for _, l := range levels {
		g.rows = append(g.rows, l.row())
	}
	g.dropEmpty("inside")
	g.fit(width(a.stdout), "organisation", "address")
	return g.write(a.stdout)
}

func (l level) row() []string {
	inside, admitted := "", l.Admits.exposure().String()
	if l.Inside > 0 {
		inside = ipranges.Thousands(l.Inside)
	}
	note, set := l.Because, l.Set
	if l.Direction != "" {
		note = "calls in, no destination"
	}
	if l.Pattern != "" {
		set += " (" + l.Pattern + ")"
	}
	if l.Admits.V4 == 0 && l.Admits.V6 == 0 {
		admitted = ""
	}
	return []string{l.Address, set, inside, admitted, note, l.Org}
}

// isName says whether text can be a host name, which an address with a mistake
// in it is not.
func isName(text string) bool {
	last := text[strings.LastIndexByte(strings.TrimSuffix(text, "."), '.')+1:]
	odd := strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._", r)
	})
	return !odd && strings.Contains(text, ".") && strings.ContainsFunc(last, func(r rune) bool { return r >= 'A' })
}
