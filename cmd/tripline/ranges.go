package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"tripline/ipranges"
	"tripline/ipranges/feed"
	"tripline/ipranges/mmdb"
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
	c.Flags().DurationVar(&timeout, "timeout", time.Minute, "how long one list may take")
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

func newRangesImportCommand(a *app) *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:   "import FILE...",
		Short: "Keep lists that were downloaded by hand, or an ASN database",
		Long: `import reads files as the providers publish them, recognises which is which and keeps
them; a MaxMind database with AS numbers (GeoLite2-ASN.mmdb and others of its kind)
is verified and kept as "asn".

Exit status:
  0  kept
  2  not kept; standard error says why`,
		Example: `  tripline ranges import ip-ranges.json cloud.json
  tripline ranges import GeoLite2-ASN.mmdb`,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return learn.WithHint(errors.New("no file to import"), "tripline ranges import ip-ranges.json")
			}
			for _, path := range args {
				if err := a.importFile(path, name); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().StringVar(&name, "feed", "", "which `FEED` the file is of, where it cannot be recognised")
	return c
}

// mmdbMarker is in every MaxMind database, near its end.
var mmdbMarker = []byte("\xab\xcd\xefMaxMind.com")

func (a *app) importFile(path, name string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("import ranges: %w", err)
	}
	if bytes.Contains(data[max(0, len(data)-128<<10):], mmdbMarker) {
		return a.importASN(path, data)
	}
	got, err := readFeed(name, data)
	if err != nil {
		err = fmt.Errorf("import %s: %w", path, err)
		if learn.HintOf(err) == "" {
			err = learn.WithHint(err, `"tripline ranges list" lists what can be kept; an AS database ends in .mmdb`)
		}
		return err
	}
	return a.keep(got, path)
}

// readFeed reads what a provider published. Without a name it is recognised.
func readFeed(name string, data []byte) (*feed.Snapshot, error) {
	find := func() (feed.Feed, error) { return feed.Detect(data[:min(len(data), 4096)]) }
	if name != "" {
		find = func() (feed.Feed, error) { return feed.Find(name) }
	}
	f, err := find()
	if err != nil {
		return nil, err
	}
	return f.Read(data)
}

func (a *app) importASN(path string, data []byte) error {
	db, err := mmdb.Open(data)
	if err == nil {
		err = db.Verify()
	}
	if err != nil {
		return fmt.Errorf("import %s: %w", path, err)
	}
	n := store.Snapshot{
		Name: asnName, Source: path, Fetched: a.now(), Published: db.Built(), Data: data,
		Meta: map[string]string{"type": db.Type(), "entries": strconv.Itoa(db.Networks())},
	}
	if err := a.write("ranges import", func(s *store.Store) error { return s.PutSnapshot(n) }); err != nil {
		return err
	}
	a.say("%s: %s networks of %s, built %s", asnName, ipranges.Thousands(uint64(db.Networks())), learn.Printable(db.Type()), day(db.Built()))
	return nil
}

func (a *app) keep(got *feed.Snapshot, from string) error {
	n := store.Snapshot{
		Name: got.Name, Source: from, Fetched: a.now(), Published: got.Published, SHA256: got.SHA256, Data: got.Raw,
		Meta: map[string]string{
			"etag": got.ETag, "last_modified": got.LastModified, "token": got.Token,
			"content": got.Content, "entries": strconv.Itoa(len(got.Ranges)),
		},
	}
	if err := a.write("ranges", func(s *store.Store) error { return s.PutSnapshot(n) }); err != nil {
		return err
	}
	a.say("%s: %s prefixes, published %s", n.Name, ipranges.Thousands(uint64(len(got.Ranges))), day(n.Published))
	return nil
}

func newRangesListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List what is kept, and how old it is",
		Long: `list shows the lists that are kept, and the feeds that could be.

Exit status:
  0  listed
  2  it could not be; standard error says why`,
		Example: `  tripline ranges list
  tripline ranges list --db copy.db`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.listRanges() },
	}
}

func (a *app) listRanges() error {
	have := map[string]store.Snapshot{}
	err := a.read(func(s *store.Store) error {
		list, err := s.Snapshots()
		for _, n := range list {
			have[n.Name] = n
		}
		return err
	})
	if err != nil && learn.HintOf(err) == "" {
		return err
	}
	g := &grid{header: []string{"ranges", "what", "prefixes", "published", "fetched", "from", "sha256"}, right: map[int]bool{2: true}}
	add := func(name, what string) {
		n, ok := have[name]
		if !ok {
			g.rows = append(g.rows, []string{name, what, "none", "", "", "", ""})
			return
		}
		g.rows = append(g.rows, []string{name, what, n.Meta["entries"], day(n.Published), n.Fetched.Format("2006-01-02 15:04"), n.Source, n.SHA256[:12]})
	}
	for _, f := range feed.All {
		add(f.Name, f.Short)
	}
	add(asnName, "AS numbers, a MaxMind database")
	return g.write(a.stdout)
}

func newRangesLookupCommand(a *app) *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "lookup ADDRESS...",
		Short: "Say whose an address is, and what each level would open",
		Long: `lookup prints every published set that holds an address and the system that announces
it, smallest first, each with the addresses a rule for it would admit.

Exit status:
  0  printed
  2  it could not be; standard error says why`,
		Example: `  tripline ranges lookup 52.216.1.2
  tripline ranges lookup --format json 2600:1f00::1`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return learn.WithHint(errors.New("no address to look up"), "tripline ranges lookup 52.216.1.2")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			return a.read(func(s *store.Store) error { return a.lookup(s, args, format) })
		},
	}
	c.Flags().StringVar(&format, "format", "table", "table or json (one object a line)")
	return c
}

// A level is one set around an address.
type level struct {
	Address string `json:"address"`
	Set     string `json:"set"`
	Admits  admits `json:"admits"`
	Shared  bool   `json:"shared"`
	Org     string `json:"org,omitempty"`
}

func (a *app) lookup(s *store.Store, args []string, format string) error {
	space, _, err := loadSpace(s)
	if err != nil {
		return err
	}
	var levels []level
	for _, text := range args {
		ip, err := netip.ParseAddr(text)
		if err != nil {
			return learn.WithHint(fmt.Errorf("%q is no address", learn.Printable(text)), "tripline ranges lookup 52.216.1.2")
		}
		levels = append(levels, around(space, ip.Unmap())...)
	}
	if format == "json" {
		enc := json.NewEncoder(a.stdout)
		for _, l := range levels {
			if err := enc.Encode(l); err != nil {
				return fmt.Errorf("write: %w", err)
			}
		}
		return nil
	}
	if format != "table" {
		return fmt.Errorf("--format %q: want table or json", learn.Printable(format))
	}
	g := &grid{header: []string{"address", "set", "admits", "shared", "organisation"}, right: map[int]bool{2: true}}
	for _, l := range levels {
		shared := ""
		if l.Shared {
			shared = "anyone can rent a place"
		}
		g.rows = append(g.rows, []string{l.Address, l.Set, ipranges.Exposure{V4: l.Admits.V4, V6: l.Admits.V6}.String(), shared, l.Org})
	}
	return g.write(a.stdout)
}

func around(space ipranges.Space, ip netip.Addr) []level {
	host := ipranges.NewSet(netip.PrefixFrom(ip, ip.BitLen()))
	out := []level{{Address: ip.String(), Set: "this address", Admits: newAdmits(host.Exposure())}}
	for _, l := range space.Table.Labels(ip) {
		set, _ := space.Table.Set(l)
		out = append(out, level{ip.String(), l.String(), newAdmits(set.Exposure()), ipranges.Shared(l), ""})
	}
	if as, ok := space.AS(ip); ok {
		prefix := ipranges.NewSet(as.Prefix)
		out = append(out, level{ip.String(), as.Prefix.String(), newAdmits(prefix.Exposure()), false, as.Org},
			level{ip.String(), fmt.Sprintf("AS%d", as.Number), newAdmits(space.ASNs.Announced(as.Number).Exposure()), false, as.Org})
	}
	return out
}
