package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"tripline/ipranges"
	"tripline/ipranges/feed"
	"tripline/store"
)

const (
	// asnName is what the snapshot of an ASN database is called.
	asnName = "asn"
	// asnIndex is what is kept beside it, see [mmdb.Index].
	asnIndex = "asn.index"
	// before ends the name of the snapshot that was replaced last. No list has
	// a dot in its name.
	before = ".before"
)

// loadSpace reads the stored range data: everything that is known of addresses.
// digests are by name, for baselines to cite.
func loadSpace(s *store.Store) (space ipranges.Space, digests map[string]string, err error) {
	k, err := load(s)
	if err != nil {
		return space, nil, err
	}
	return k.space(), k.digests, nil
}

// load reads what is stored now.
func load(s *store.Store) (*knowledge, error) {
	return collect(s, func(name string) bool { return !strings.HasSuffix(name, before) })
}

// loadEarlier is load with what the named lists said before they changed last;
// all of them without a name.
func loadEarlier(s *store.Store, names map[string]bool) (*knowledge, error) {
	return collect(s, func(name string) bool {
		name, earlier := strings.CutSuffix(name, before)
		return !earlier || len(names) == 0 || names[name]
	})
}

// collect reads the wanted snapshots. NAME comes before NAME.before and gives
// way to it.
func collect(s *store.Store, wanted func(name string) bool) (*knowledge, error) {
	list, err := s.Snapshots()
	if err != nil {
		return nil, err
	}
	k, asn := newKnowledge(), store.Snapshot{}
	for _, head := range list {
		switch {
		case head.Name == asnIndex || !wanted(head.Name):
			continue
		case strings.TrimSuffix(head.Name, before) == asnName:
			asn = head
			continue
		}
		n, err := s.Snapshot(head.Name)
		if err != nil {
			return nil, err
		}
		if err := k.add(n); err != nil {
			return nil, err
		}
	}
	if asn.Name == "" {
		k.make(nil)
		return k, nil
	}
	ix, err := k.openASN(s, asn)
	if err != nil {
		return nil, err
	}
	k.make(ix)
	return k, nil
}

// withStore is read, where there is something to say without a database too:
// then f is not called.
func (a *app) withStore(f func(*store.Store) error) error {
	if _, err := os.Stat(a.path()); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return a.read(f)
}

// A knowledge is range data by name, as it is collected.
type knowledge struct {
	feeds   map[string]*ipranges.List
	names   map[string][]feed.Name
	files   map[string][]byte
	made    *ipranges.Space // of feeds, which are gone then
	digests map[string]string
}

// newKnowledge has the lists that come with the program.
func newKnowledge() *knowledge {
	k := &knowledge{
		feeds: map[string]*ipranges.List{}, names: map[string][]feed.Name{}, files: map[string][]byte{}, digests: map[string]string{},
	}
	for _, f := range feed.All {
		if b, ok := f.Builtin(); ok {
			k.feeds[f.Name], k.names[f.Name], k.digests[f.Name] = listOf(b.Ranges), b.Names, "sha256:"+b.SHA256
		}
	}
	return k
}

func listOf(ranges []ipranges.Range) *ipranges.List {
	l := &ipranges.List{}
	for _, r := range ranges {
		l.Add(r)
	}
	return l
}

// add takes a stored snapshot in. What comes with the program stands if it is
// the newer one: then the program was replaced after the last pull.
func (k *knowledge) add(n store.Snapshot) (err error) {
	if superseded(n) {
		return nil
	}
	name := strings.TrimSuffix(n.Name, before)
	k.digests[name] = "sha256:" + n.SHA256
	if k.feeds[name], err = parseFeed(name, n.Data); err != nil {
		return fmt.Errorf("stored ranges %s: %w", n.Name, err)
	}
	if f, err := feed.Find(name); err == nil && f.Named {
		k.files[name] = n.Data
	}
	return nil
}

// named returns the host names that publishers tell.
func (k *knowledge) named() (all []feed.Name, err error) {
	for _, f := range feed.All {
		names := k.names[f.Name]
		if raw := k.files[f.Name]; raw != nil {
			if names, err = f.Names(raw); err != nil {
				return nil, fmt.Errorf("stored ranges %w", err)
			}
		}
		all = append(all, names...)
	}
	return all, nil
}

// superseded says whether the program brought a newer list than n.
func superseded(n store.Snapshot) bool {
	f, err := feed.Find(n.Name)
	if err != nil {
		return false
	}
	b, ok := f.Builtin()
	return ok && n.Fetched.Before(b.Published)
}

// space returns what is known of addresses.
func (k *knowledge) space() ipranges.Space {
	if k.made == nil {
		k.make(nil)
	}
	return *k.made
}

// make takes the lists, which are not needed any more.
func (k *knowledge) make(asns ipranges.ASNs) {
	space := feed.Space(k.feeds, asns)
	k.made, k.feeds = &space, nil
}

// findList returns the feed of that name, or that of a list of the user's own.
func findList(name string) (feed.Feed, error) {
	if f, err := feed.Find(name); err == nil {
		return f, nil
	}
	return feed.Own(name)
}

func parseFeed(name string, data []byte) (*ipranges.List, error) {
	f, err := findList(name)
	if err != nil {
		return nil, err
	}
	return f.List(data)
}
