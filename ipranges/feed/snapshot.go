package feed

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"time"

	"tripline/ipranges"
)

// A Snapshot is what a feed said at one time, read in full and checked.
type Snapshot struct {
	Name    string    // of the feed
	URL     string    // where it came from
	Fetched time.Time // for the caller to set, who has a clock
	Edition
	ETag, LastModified string // as the server gave them, for the next [Fetch]
	SHA256             string // of Raw, in hex
	Content            string // SHA-256 of what is said, not of how it is written
	Ranges             []ipranges.Range
	Names              []Name
	Raw                []byte
}

// Read reads a file of the feed. Whoever wants only the ranges, of a file that
// was checked before, takes List.
func (f Feed) Read(raw []byte) (*Snapshot, error) {
	d, err := f.document(raw)
	if err != nil {
		return nil, err
	}
	s := &Snapshot{Name: f.Name, URL: f.URL, Edition: d.edition(), Raw: raw}
	for r, err := range ranges(f.Name, d) {
		if err != nil {
			return nil, err
		}
		s.Ranges = append(s.Ranges, r)
	}
	if s.Names, err = namesOf(f.Name, d); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(raw)
	s.SHA256, s.Content = hex.EncodeToString(sum[:]), content(s.Ranges, s.Names)
	return s, nil
}

// document decodes a file of the feed, unless it is larger than any.
func (f Feed) document(raw []byte) (document, error) {
	if len(raw) > MaxBytes {
		return nil, fmt.Errorf("%s: more than %d MiB", f.Name, MaxBytes>>20)
	}
	d, err := f.read(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	return d, nil
}

// List reads only the ranges of a file that was checked before, in little
// memory.
func (f Feed) List(raw []byte) (*ipranges.List, error) {
	d, err := f.document(raw)
	if err != nil {
		return nil, err
	}
	out := &ipranges.List{}
	for r, err := range ranges(f.Name, d) {
		if err != nil {
			return nil, err
		}
		out.Add(r)
	}
	return out, nil
}

// Plausible says whether a list may follow one of last entries: a list that
// halves or doubles between two looks is more likely a mistake. Zero means that
// there was none before. Whatever it follows, it must have the addresses that
// every list of the feed has.
func (s *Snapshot) Plausible(last int) error {
	if n := len(s.Ranges); last > 0 && (n*2 < last || n > last*2) {
		return fmt.Errorf("%s: %d entries, %d before: not plausible", s.Name, n, last)
	}
	f, err := Find(s.Name)
	if err != nil {
		return nil //nolint:nilerr // a list of the user's own, of which nothing is known
	}
	return s.hasAll(f)
}

// hasAll says what s lacks of that which every list of its feed has.
func (s *Snapshot) hasAll(f Feed) error {
	missing := func(what string) error {
		return fmt.Errorf("%s: %s is missing, which every list of %s has: not plausible", s.Name, what, s.Name)
	}
	set := ipranges.SetOf(s.Ranges)
	for _, a := range f.canaries {
		if !set.Contains(a) {
			return missing(a.String())
		}
	}
	for _, service := range f.services {
		if !s.names(f.Name + "/" + service) {
			return missing(service)
		}
	}
	return nil
}

// names says whether something is published for the label text or below it.
func (s *Snapshot) names(text string) bool {
	l, err := ipranges.ParseLabel(text)
	return err == nil && slices.ContainsFunc(s.Ranges, func(r ipranges.Range) bool { return l.Covers(r.Label) })
}

// Content returns a hash of what ranges say, in hex: for each label the set of
// addresses. Publishers write the same set in other prefixes, in another order
// and under a new date many times a day.
func Content(ranges []ipranges.Range) string { return content(ranges, nil) }

func content(ranges []ipranges.Range, names []Name) string {
	sets := map[ipranges.Label][]netip.Prefix{}
	for _, r := range ranges {
		sets[r.Label] = append(sets[r.Label], r.Prefix)
	}
	sum := sha256.New()
	for _, l := range slices.SortedFunc(maps.Keys(sets), ipranges.Label.Compare) {
		for _, p := range ipranges.NewSet(sets[l]...).Prefixes() {
			_, _ = io.WriteString(sum, l.String()+" "+p.String()+"\n") // a hash takes everything
		}
	}
	for _, n := range names {
		_, _ = io.WriteString(sum, n.Label.String()+" "+n.Pattern+"\n")
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// addrs reads addresses that are written in this program.
func addrs(texts ...string) []netip.Addr {
	out := make([]netip.Addr, len(texts))
	for i, s := range texts {
		out[i] = netip.MustParseAddr(s)
	}
	return out
}
