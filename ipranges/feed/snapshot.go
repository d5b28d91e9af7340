package feed

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
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
	Raw                []byte
}

// Read reads a file of the feed. Whoever wants only the ranges, of a file that
// was checked before, takes Parse.
func (f Feed) Read(raw []byte) (*Snapshot, error) {
	d, err := f.read(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	s := &Snapshot{Name: f.Name, URL: f.URL, Edition: d.edition(), Raw: raw}
	for r, err := range ranges(f.Name, d) {
		if err != nil {
			return nil, err
		}
		s.Ranges = append(s.Ranges, r)
	}
	sum := sha256.Sum256(raw)
	s.SHA256, s.Content = hex.EncodeToString(sum[:]), Content(s.Ranges)
	return s, nil
}

// Plausible says whether a list may follow one of last entries: a list that
// halves or doubles between two looks is more likely a mistake. Zero means that
// there was none before.
func (s *Snapshot) Plausible(last int) error {
	if n := len(s.Ranges); last > 0 && (n*2 < last || n > last*2) {
		return fmt.Errorf("%s: %d entries, %d before: not plausible", s.Name, n, last)
	}
	return nil
}

// Content returns a hash of what ranges say, in hex: for each label the set of
// addresses. Publishers write the same set in other prefixes, in another order
// and under a new date many times a day.
func Content(ranges []ipranges.Range) string {
	sets := map[ipranges.Label][]netip.Prefix{}
	for _, r := range ranges {
		sets[r.Label] = append(sets[r.Label], r.Prefix)
	}
	labels := make([]ipranges.Label, 0, len(sets))
	for l := range sets {
		labels = append(labels, l)
	}
	slices.SortFunc(labels, ipranges.Label.Compare)
	sum := sha256.New()
	for _, l := range labels {
		for _, p := range ipranges.NewSet(sets[l]...).Prefixes() {
			_, _ = io.WriteString(sum, l.String()+" "+p.String()+"\n") // a hash takes everything
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}
