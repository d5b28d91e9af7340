package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"tripline/ipranges/feed"
	"tripline/learn"
	"tripline/store"
)

// atOnce is how many lists are fetched at the same time.
const atOnce = 4

func newRangesPullCommand(a *app) *cobra.Command {
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "pull [FEED...]",
		Short: "Fetch what providers publish now",
		Long: `pull fetches the lists of the named feeds, all of them without a name, checks them and
keeps those that hold. A list that cannot be fetched or is not plausible leaves the
last one as it was. A list that was published again with the same addresses has not
changed; "tripline ranges diff" shows what did.

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

// A fetched is what became of one list.
type fetched struct {
	feed feed.Feed
	got  *feed.Snapshot
	err  error
}

func (a *app) pull(ctx context.Context, names []string, timeout time.Duration) error {
	feeds, err := a.pullable(names)
	if err != nil {
		return err
	}
	return a.pullFeeds(ctx, feeds, timeout)
}

func (a *app) pullFeeds(ctx context.Context, feeds []feed.Feed, timeout time.Duration) error {
	have := map[string]store.Snapshot{}
	err := a.write("ranges pull", func(s *store.Store) (err error) { // makes the database if it is missing
		if err := reindex(s); err != nil {
			return err
		}
		have, err = heads(s)
		return err
	})
	if err != nil {
		return err
	}
	var failed []error
	progress := newWaiting(a, feeds)
	for r := range fetchAll(ctx, feeds, have, timeout, a.now()) {
		progress.done(r.feed.Name)
		if err := a.settle(r, have[r.feed.Name]); err != nil {
			failed = append(failed, err)
		}
		progress.show()
	}
	return learn.WithHint(errors.Join(failed...), "a list that was downloaded by hand: tripline ranges import FILE")
}

// pullable returns the feeds of those names, all without one. What is no file
// is left out.
func (a *app) pullable(names []string) ([]feed.Feed, error) {
	if len(names) == 0 {
		return slices.DeleteFunc(slices.Clone(feed.All), func(f feed.Feed) bool { return f.Fixed }), nil
	}
	var feeds []feed.Feed
	for _, name := range names {
		f, err := feed.Find(name)
		if err != nil {
			return nil, err
		}
		if f.Fixed {
			a.say("%s: %v", f.Name, feed.ErrFixed)
			continue
		}
		feeds = append(feeds, f)
	}
	return feeds, nil
}

// heads returns what is kept, by name.
func heads(s *store.Store) (map[string]store.Snapshot, error) {
	list, err := s.Snapshots()
	have := map[string]store.Snapshot{}
	for _, n := range list {
		have[n.Name] = n
	}
	return have, err
}

// fetchAll fetches some lists at a time and sends what became of each.
func fetchAll(ctx context.Context, feeds []feed.Feed, have map[string]store.Snapshot, timeout time.Duration, now time.Time) <-chan fetched {
	done, next := make(chan fetched), make(chan feed.Feed)
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for f := range next {
				got, err := fetchOne(ctx, f, have[f.Name], timeout, now)
				done <- fetched{f, got, err}
			}
		})
	}
	go func() {
		for _, f := range feeds {
			next <- f
		}
		close(next)
		workers.Wait()
		close(done)
	}()
	return done
}

func fetchOne(ctx context.Context, f feed.Feed, last store.Snapshot, timeout time.Duration, now time.Time) (*feed.Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	entries, err := strconv.Atoi(last.Meta["entries"])
	if err != nil {
		entries = 0 // there was none
	}
	return feed.Persist(ctx, http.DefaultClient, f, feed.Validators{
		ETag: last.Meta["etag"], LastModified: last.Meta["last_modified"], Entries: entries,
		Token: last.Meta["token"], Now: now,
	})
}

// A waiting shows on a terminal which lists are still missing.
type waiting struct {
	a    *app
	on   bool
	all  int
	left map[string]bool
}

func newWaiting(a *app, feeds []feed.Feed) *waiting {
	w := &waiting{a: a, on: !a.quiet && terminal(a.stderr), all: len(feeds), left: map[string]bool{}}
	for _, f := range feeds {
		w.left[f.Name] = true
	}
	w.show()
	return w
}

func (w *waiting) show() {
	if w.on && len(w.left) > 0 {
		names := strings.Join(slices.Sorted(maps.Keys(w.left)), " ")
		fmt.Fprintf(w.a.stderr, "\r\033[K%d of %d, waiting for %s", w.all-len(w.left), w.all, cut(names, 60))
	}
}

// done clears the line, so that something can be said about name.
func (w *waiting) done(name string) {
	delete(w.left, name)
	if w.on {
		fmt.Fprint(w.a.stderr, "\r\033[K")
	}
}

// stays says what holds where nothing was kept yet.
func stays(r fetched) error {
	if b, ok := r.feed.Builtin(); ok {
		return fmt.Errorf("%w; the list of %s that came with tripline stays", r.err, day(b.Published))
	}
	return r.err
}

// settle keeps a list, or says why the last one stays.
func (a *app) settle(r fetched, last store.Snapshot) error {
	switch {
	case errors.Is(r.err, feed.ErrNotModified):
		a.say("%s: not modified", r.feed.Name)
		return nil
	case r.err != nil && last.Name != "":
		return fmt.Errorf("%w; the list of %s stays, %s old", r.err, day(dated(last)), a.age(dated(last)))
	case r.err != nil:
		return stays(r)
	}
	return a.keep(r.got, r.got.URL)
}
