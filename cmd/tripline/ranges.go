package main

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"tripline/ipranges/feed"
	"tripline/learn"
	"tripline/store"
)

func newRangesCommand(a *app) *cobra.Command {
	c := family(&cobra.Command{
		Use:   "ranges",
		Short: "Keep and ask what providers publish of their addresses",
		Long: `ranges keeps the lists of addresses that providers publish, and an ASN database, in
the database. Folding, reviewing and explaining use them; without any, rules are
prefixes only.

Exit status:
  0  done
  2  it could not be done; standard error says why`,
		Example: `  tripline ranges pull
  tripline ranges lookup 52.216.1.2`,
	})
	c.AddCommand(newRangesPullCommand(a), newRangesImportCommand(a), newRangesListCommand(a), newRangesLookupCommand(a))
	return c
}

func newRangesPullCommand(a *app) *cobra.Command {
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "pull [FEED...]",
		Short: "Fetch what providers publish now",
		Long: `pull fetches the lists of the named feeds, all of them without a name, checks them and
keeps those that hold. A list that cannot be fetched or is not plausible leaves the
last one as it was.

Exit status:
  0  all were fetched, or had not changed
  2  at least one was not; standard error says why`,
		Example: `  tripline ranges pull
  tripline ranges pull aws gcp`,
		RunE: func(c *cobra.Command, args []string) error { return a.pull(c.Context(), args, timeout) },
	}
	c.Flags().DurationVar(&timeout, "timeout", time.Minute, "how long one list may take: a `DURATION`")
	return c
}

func (a *app) pull(ctx context.Context, names []string, timeout time.Duration) error {
	feeds := feed.All
	if len(names) > 0 {
		feeds = nil
		for _, name := range names {
			f, err := feed.Find(name)
			if err != nil {
				return err
			}
			feeds = append(feeds, f)
		}
	}
	var failed []error
	for _, f := range feeds {
		if err := a.pullOne(ctx, f, timeout); err != nil {
			failed = append(failed, err)
		}
	}
	return learn.WithHint(errors.Join(failed...), "a list that was downloaded by hand: tripline ranges import FILE")
}

func (a *app) pullOne(ctx context.Context, f feed.Feed, timeout time.Duration) error {
	var last feed.Validators
	err := a.write("ranges pull", func(s *store.Store) error { // makes the database if it is missing
		list, err := s.Snapshots()
		for _, n := range list {
			if n.Name == f.Name {
				last.ETag, last.LastModified = n.Meta["etag"], n.Meta["last_modified"]
				last.Entries, _ = strconv.Atoi(n.Meta["entries"]) // 0 means unknown
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	got, err := feed.Fetch(ctx, http.DefaultClient, f, last)
	if errors.Is(err, feed.ErrNotModified) {
		a.say("%s: not modified", f.Name)
		return nil
	}
	if err != nil {
		return err
	}
	return a.keep(got, f.URL)
}
