package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"tripline/ipranges"
	"tripline/ipranges/feed"
	"tripline/store"
)

// dated returns when a list was made, or else when it was fetched.
func dated(n store.Snapshot) time.Time {
	if n.Published.IsZero() || n.Published.Year() < 1971 {
		return n.Fetched
	}
	return n.Published
}

// age says how long ago that was.
func (a *app) age(t time.Time) string {
	return count(uint64(max(0, a.now().Sub(t)/(24*time.Hour))), "day", "days")
}

// keep stores a list and says what is new.
func (a *app) keep(got *feed.Snapshot, from string) error {
	n := store.Snapshot{
		Name: got.Name, Source: from, Fetched: a.now(), Published: got.Published, SHA256: got.SHA256, Data: got.Raw,
		Meta: map[string]string{
			"etag": got.ETag, "last_modified": got.LastModified, "token": got.Token,
			"content": got.Content, "entries": strconv.Itoa(len(got.Ranges)),
		},
	}
	last, err := a.replace(n)
	if err != nil {
		return err
	}
	made := ""
	if !n.Published.IsZero() {
		made = ", published " + day(n.Published)
	}
	a.say("%s: %s%s%s", n.Name, count(uint64(len(got.Ranges)), "prefix", "prefixes"), made, since(last, got))
	return nil
}

// replace stores n. The one before it is kept beside it if it says something
// else; if it does not, the old file stays, which baselines cite. last is the
// one before, zero if there is none.
func (a *app) replace(n store.Snapshot) (last store.Snapshot, err error) {
	err = a.write("ranges", func(s *store.Store) (err error) {
		last, err = s.Snapshot(n.Name)
		switch {
		case errors.Is(err, store.ErrNoSnapshot):
		case err != nil:
			return err
		case sameContent(last, n):
			again := last
			again.Fetched, again.Meta = n.Fetched, n.Meta
			n = again
		default:
			if err := s.PutSnapshot(aside(last)); err != nil {
				return err
			}
		}
		if err := s.PutSnapshot(n); err != nil {
			return err
		}
		return reindex(s)
	})
	return last, err
}

// sameContent says whether both files say the same, however they are written.
func sameContent(n, m store.Snapshot) bool {
	if n.Meta["content"] != "" {
		return n.Meta["content"] == m.Meta["content"]
	}
	return n.SHA256 == m.SHA256
}

// aside returns n under the name of what was replaced.
func aside(n store.Snapshot) store.Snapshot {
	n.Name += before
	return n
}

// since says what changed since the last list.
func since(last store.Snapshot, got *feed.Snapshot) string {
	if last.Data == nil {
		return ""
	}
	if last.Meta["content"] == got.Content {
		return "; the same addresses as before"
	}
	old, err := parseFeed(got.Name, last.Data)
	if err != nil {
		return "; what there was before cannot be read"
	}
	was, is := ipranges.SetOf(slices.Collect(old.All())), ipranges.SetOf(got.Ranges)
	return fmt.Sprintf("; +%s -%s IPv4 addresses: tripline ranges diff %s",
		ipranges.Thousands(is.Subtract(was).Exposure().V4), ipranges.Thousands(was.Subtract(is).Exposure().V4), got.Name)
}
