package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tripline/ipranges/feed"
	"tripline/learn"
)

func newRangesAddCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "add NAME FILE",
		Short: "Keep a list of your own",
		Long: `add keeps prefixes that you know whose they are: one a line, with # comments, or a
geofeed (RFC 8805: prefix,country,region,city,postcode). They are labelled NAME, or
NAME/geo/REGION, and rules can name them like those of a provider. The same NAME again
replaces the list. Lists of crawlers and of what calls you are no destinations.

Exit status:
  0  kept
  2  not kept; standard error says why`,
		Example: `  tripline ranges add partner partner.txt
  tripline ranges add hoster geofeed.csv`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return learn.WithHint(errors.New("want a name and a file"), "tripline ranges add partner partner.txt")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.addList(args[0], args[1]) },
	}
}

func (a *app) addList(name, path string) error {
	f, err := feed.Own(name)
	if err == nil {
		err = feed.Refused(path)
	}
	if err != nil {
		return fmt.Errorf("add ranges: %w", err)
	}
	data, err := readFile(path)
	if err != nil {
		return fmt.Errorf("add ranges: %w", err)
	}
	got, err := f.Read(data)
	if err != nil {
		return fmt.Errorf("add %s: %w", path, err)
	}
	return a.keep(got, path)
}
