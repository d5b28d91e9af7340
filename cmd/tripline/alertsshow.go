package main

import (
	"bufio"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tripline/enforce"
	"tripline/enforce/alert"
	"tripline/learn"
	"tripline/store"
)

func newAlertsShowCommand(a *app) *cobra.Command {
	format := "text"
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show all that is known of one finding",
		Long: `show prints an alert as enforce told it, with what has become of it and what was said.
The first digits of the ID are enough.

Exit status:
  0  shown
  2  there is no such alert, or it could not be read; standard error says why`,
		Example: `  tripline alerts show 3f9a2c
  tripline alerts show 3f9a2c17d04be5aa --format json`,
		Args: wantID("show"),
		RunE: func(_ *cobra.Command, args []string) error { return a.showAlert(args[0], format) },
	}
	c.Flags().StringVar(&format, "format", format, "`FORMAT` of what is printed: text or json")
	return c
}

// wantID wants one ID.
func wantID(command string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return learn.WithHint(errors.New("want the ID of one alert"), "tripline alerts %s 3f9a2c; tripline alerts ls lists them", command)
		}
		return nil
	}
}

func (a *app) showAlert(id, format string) error {
	if format != "text" && format != "json" {
		return fmt.Errorf("--format %q: want text or json", learn.Printable(format))
	}
	var h *history
	if err := a.read(func(s *store.Store) (err error) { h, err = a.past(s); return err }); err != nil {
		return err
	}
	al, err := h.find(id)
	if err != nil {
		return err
	}
	if format == "json" {
		return writeJSON(a, alertLine{al, h.said(al, a.now())})
	}
	out := bufio.NewWriter(a.stdout)
	write := alert.Colored
	if !a.colored(a.stdout) {
		plain, err := alert.FindFormat("text")
		if err != nil {
			return err
		}
		write = plain.Write
	}
	if err := write(out, al); err != nil {
		return err
	}
	h.fate(out, al, a.now())
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// fate says what has become of an alert, and what people said.
func (h *history) fate(out *bufio.Writer, al *enforce.Alert, now time.Time) {
	fmt.Fprintf(out, "    %s: first %s, last %s\n", al.Status, al.Time.Format(time.DateTime), al.Last.Format(time.DateTime))
	if k, ok := h.quiet.Ack(al.ID); ok {
		fmt.Fprintf(out, "    acknowledged by %s on %s: %s\n", learn.Printable(k.By), k.At.Format(time.DateTime), learn.Printable(k.Reason))
	}
	if h.quiet.Of(al, now) == enforce.Muted {
		for _, m := range h.quiet.Mutes(now) {
			fmt.Fprintf(out, "    muted by %s until %s, with others: %s: %s\n", learn.Printable(m.By), m.Until.Format(time.DateTime), learn.Printable(m.Selector), learn.Printable(m.Reason))
		}
	}
}
